"""The truth of a batch, held against what a model gives."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from isthmus.errors import DataError, ShapeError
from isthmus.specs import Classes, OutputSpec, Points, Scope
from isthmus.tasks.valid_pixels import class_labels, match_shape


def check_output(output: Tensor, spec: OutputSpec) -> None:
    """Check that a model gives so many numbers for every pixel or image as are meant.

    A single quantity may come without an axis of its own.

    Raises:
        ShapeError: it gives others.
    """
    space = ("height", "width") if spec.scope is Scope.PIXEL else ()
    count = spec.channels
    if count is None or (output.ndim == len(space) + 2 and output.shape[1] == count):
        return
    if count == 1 and output.ndim == len(space) + 1:
        return
    what = "maps" if isinstance(spec, Points) else spec.kind
    expected = ", ".join(("batch", f"{count} {what}", *space))
    raise ShapeError(f"the model gives {tuple(output.shape)}; expected ({expected})")


def truth_of(batch: Mapping[str, Any], key: str) -> Any:
    """The truth of a batch as the data give it.

    Raises:
        DataError: the batch has none.
    """
    if key not in batch:
        raise DataError(f"the batch has no {key!r}; it has {', '.join(map(repr, batch))}")
    return batch[key]


def checked_truth(
    truth: Tensor, output: Tensor, spec: OutputSpec, ignore_index: float | None, filenames: Any = None
) -> Tensor:
    """The truth in the shape that it must have: a label for every pixel or image, or the numbers that the model gives.

    An axis of 1 too many behind the first is dropped; where the model gives a single number with an axis of its own,
    one that is missing is added.

    Args:
        truth: as the data give it.
        output: of the model.
        spec: what the output means.
        ignore_index: the value of what does not count.
        filenames: where the samples come from, for messages.

    Raises:
        ShapeError: truth and output do not cover the same.
        LabelError: a label lies outside the classes.
    """
    if not isinstance(spec, Classes) or spec.several:
        if spec.channels == 1 and truth.ndim == output.ndim - 1:
            truth = truth.unsqueeze(1)
        return match_shape(truth, output.shape)
    shape = (output.shape[0], *output.shape[2:])
    class_labels(truth, shape, spec.channels, ignore_index, filenames)
    return match_shape(truth, shape)
