"""Which argument goes to which part: the prefixes `backbone_`, `decoder_` and `head_`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

PREFIXES = ("backbone_", "decoder_", "head_")
USE_TEMPORAL = "use_temporal"
TEMPORAL_PREFIX = "temporal_"
TEMPORAL_ARGUMENTS = ("pooling", "concat", "n_timestamps", "features_permute_op", "subset_lengths")


class Given(NamedTuple):
    """The arguments of one part.

    Attributes:
        arguments: by name, without a prefix.
        written: what stands before each name where the user wrote it, such as `decoder_` or `decoder_kwargs.`.
    """

    arguments: dict[str, Any]
    written: str


def given_to(arguments: Mapping[str, Any], part: str) -> Given:
    """The arguments of a part, which are given one by one with its prefix or together as a dict.

    >>> given_to({"head_dropout": 0.1, "task": "segmentation"}, "head")
    Given(arguments={'dropout': 0.1}, written='head_')
    """
    together = arguments.get(f"{part}_kwargs")
    if isinstance(together, Mapping) and together:
        return Given(dict(together), f"{part}_kwargs.")
    prefix = f"{part}_"
    own = {str(key).removeprefix(prefix): value for key, value in arguments.items() if str(key).startswith(prefix)}
    own.pop("kwargs", None)
    return Given(own, prefix)
