"""Necks: what stands between an encoder and a decoder."""

from isthmus._lazy import lazy_exports

__all__ = [
    "AddBottleneckLayer",
    "AggregateTokens",
    "FeaturePyramidNetworkNeck",
    "InterpolateToPyramidal",
    "LearnedInterpolateToPyramidal",
    "MaxpoolToPyramidal",
    "Neck",
    "NeckSequential",
    "PermuteDims",
    "ReshapeTokensToImage",
    "SelectIndices",
    "build_neck_list",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AddBottleneckLayer": "isthmus.models.necks.bottleneck",
        "AggregateTokens": "isthmus.models.necks.aggregate_tokens",
        "FeaturePyramidNetworkNeck": "isthmus.models.necks.feature_pyramid_network",
        "InterpolateToPyramidal": "isthmus.models.necks.pyramidal",
        "LearnedInterpolateToPyramidal": "isthmus.models.necks.pyramidal",
        "MaxpoolToPyramidal": "isthmus.models.necks.pyramidal",
        "Neck": "isthmus.models.necks.base",
        "NeckSequential": "isthmus.models.necks.sequential",
        "PermuteDims": "isthmus.models.necks.permute_dims",
        "ReshapeTokensToImage": "isthmus.models.necks.reshape_tokens",
        "SelectIndices": "isthmus.models.necks.select_indices",
        "build_neck_list": "isthmus.models.necks.sequential",
    },
)
