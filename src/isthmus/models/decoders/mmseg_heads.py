"""The decode heads of mmsegmentation (OpenMMLab; the maintained fork is published as onedl-mmsegmentation)."""

import importlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import CompositionError, MissingExtraError
from isthmus.registry.sources.mmseg import ALWAYS_SEVERAL, TOLD_TO_TAKE_SEVERAL
from isthmus.specs.features import Pyramid, Requirement


class MmsegHead(nn.Module):
    """A decode head of mmsegmentation, from features to classes.

    Which features it takes is said as mmsegmentation says it: `in_index` is the index of one or a list of several, and
    `input_transform` is None, `resize_concat` or `multiple_select`. By default a head takes the last feature, or all
    of them where it is made for several. Where a head gives more than one prediction, the main one is returned.

    Args:
        channel_list: the channels of the features.
        module: the module that defines the head.
        name: the class of the head.
        num_classes: the number of classes.
        head_args: arguments of the head.

    Raises:
        MissingExtraError: mmsegmentation is not installed.
        CompositionError: the head needs compiled operators that the installed mmcv lacks.
    """

    includes_head = True

    def __init__(self, channel_list: Sequence[int], module: str, name: str, num_classes: int, **head_args: Any) -> None:
        super().__init__()
        arguments = _select_features(list(channel_list), name, head_args)
        # mmsegmentation warns about losses that are not used here and about operators that most heads do without
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.head = _build(module, name, num_classes=num_classes, out_channels=num_classes, **arguments)
        self.name = name
        self.out_channels = num_classes
        self.requirement = self.requirement_for(module, name, **head_args)

    @staticmethod
    def requirement_for(module: str, name: str, **head_args: Any) -> Requirement:  # noqa: ARG004  what a preset holds
        """What features a head takes."""
        if name == "FPNHead":
            return Requirement(pyramid=Pyramid.REQUIRED)
        return Requirement(pyramid=Pyramid.PREFERRED if name in ALWAYS_SEVERAL else Pyramid.NONE)

    def forward(self, features: list[Float[Tensor, "batch _ _ _"]]) -> Float[Tensor, "batch classes height width"]:
        """The scores of the classes, at the stride that the head works at."""
        with_token = [(feature, None) for feature in features]  # DPT looks for a class token beside each feature
        prediction = self.head(with_token if self.name == "DPTHead" else list(features))
        main: Tensor = prediction[0] if isinstance(prediction, tuple | list) else prediction
        return main


def _select_features(channel_list: list[int], name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Add the channels of the features that the head is going to pick."""
    arguments = dict(given)
    if name in TOLD_TO_TAKE_SEVERAL:
        arguments.setdefault("input_transform", "multiple_select")
    takes_several = name in ALWAYS_SEVERAL or arguments.get("input_transform") is not None
    index = arguments.setdefault("in_index", list(range(len(channel_list))) if takes_several else -1)
    wrong = [
        i for i in ([index] if isinstance(index, int) else index) if not -len(channel_list) <= i < len(channel_list)
    ]
    if wrong:
        raise CompositionError(f"mmseg_{name} is to take the features {wrong}, but is given {len(channel_list)}")
    arguments["in_channels"] = channel_list[index] if isinstance(index, int) else [channel_list[i] for i in index]
    return arguments


def _build(module: str, name: str, **arguments: Any) -> nn.Module:
    try:
        head_class = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "onedl-mmsegmentation", "mmseg") from error
    try:
        head = head_class(**arguments)
    except RuntimeError as error:
        if "mmcv" not in str(error):
            raise
        raise CompositionError(
            f"mmseg_{name} needs compiled operators of mmcv, which the installed onedl-mmcv does not hold; "
            "building onedl-mmcv from its source with MMCV_WITH_OPS=1 adds them"
        ) from error
    with _quiet_mmengine():
        head.init_weights()
    built: nn.Module = head
    return built


@contextmanager
def _quiet_mmengine() -> Iterator[None]:
    """Keep mmengine from printing how it initialised each parameter."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
