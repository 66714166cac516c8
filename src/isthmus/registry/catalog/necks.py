"""The necks of Isthmus."""

from isthmus.registry.entry import Entry


def _neck(name: str, module: str, doc: str) -> Entry:
    return Entry(name, f"isthmus.models.necks.{module}:{name}", facts={"doc": doc})


ENTRIES: tuple[Entry, ...] = (
    _neck("SelectIndices", "select_indices", "Keep some of the features, in a given order"),
    _neck("PermuteDims", "permute_dims", "Bring the axes of every feature into another order"),
    _neck("ReshapeTokensToImage", "reshape_tokens", "Lay the tokens of a transformer out as the grid of its patches"),
    _neck("AggregateTokens", "aggregate_tokens", "Pool the tokens or the grid of a feature into one vector"),
    _neck("InterpolateToPyramidal", "pyramidal", "Make a pyramid by interpolation"),
    _neck("MaxpoolToPyramidal", "pyramidal", "Make a pyramid by max-pooling"),
    _neck("LearnedInterpolateToPyramidal", "pyramidal", "Make a pyramid of four levels with learned upsampling"),
    _neck("AddBottleneckLayer", "bottleneck", "Append a 1x1 convolution that halves the channels of the last feature"),
    _neck("FeaturePyramidNetworkNeck", "feature_pyramid_network", "Merge a pyramid into levels of equal channels"),
)
