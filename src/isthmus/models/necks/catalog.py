"""The necks of Isthmus by name, those first that `necks: auto` would rather take; without torch."""

from isthmus.registry.kinds import NeckKind


def _neck(name: str, module: str, doc: str, *, proposes: bool = False) -> NeckKind:
    return NeckKind(name, f"isthmus.models.necks.{module}:{name}", facts={"doc": doc}, proposes=proposes)


ENTRIES: tuple[NeckKind, ...] = (
    _neck("SelectIndices", "select_indices", "Keep some of the features, in a given order", proposes=True),
    _neck(
        "AggregateTokens", "aggregate_tokens", "Pool the tokens or the grid of a feature into one vector", proposes=True
    ),
    _neck("PermuteDims", "permute_dims", "Bring the axes of every feature into another order", proposes=True),
    _neck(
        "ReshapeTokensToImage",
        "reshape_tokens",
        "Lay the tokens of a transformer out as the grid of its patches",
        proposes=True,
    ),
    _neck(
        "LearnedInterpolateToPyramidal",
        "pyramidal",
        "Make a pyramid of four levels with learned upsampling",
        proposes=True,
    ),
    _neck("MaxpoolToPyramidal", "pyramidal", "Make a pyramid by max-pooling", proposes=True),
    _neck("InterpolateToPyramidal", "pyramidal", "Make a pyramid by interpolation"),
    _neck("AddBottleneckLayer", "bottleneck", "Append a 1x1 convolution that halves the channels of the last feature"),
    _neck("FeaturePyramidNetworkNeck", "feature_pyramid_network", "Merge a pyramid into levels of equal channels"),
)
