"""`ScalarHead` and `ClassificationHead`: values for a whole image."""

import itertools
import warnings

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError


class ScalarHead(nn.Module):
    """A multilayer perceptron over the channels, averaged over all positions.

    Args:
        in_dim: the channels of the feature.
        num_outputs: how many values an image is given.
        dim_list: the widths of hidden layers, each with a ReLU.
        dropout: how many of the values in front of the last layer are dropped while training.
        linear_after_pool: whether to average over the positions before the perceptron, in place of its results.
        num_classes: the same as `num_outputs`.

    Raises:
        ArgumentError: neither `num_outputs` nor `num_classes` is given.
    """

    def __init__(
        self,
        in_dim: int,
        num_outputs: int | None = None,
        dim_list: list[int] | None = None,
        dropout: float | int = 0,
        linear_after_pool: bool = False,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        self.linear_after_pool = linear_after_pool
        widths = [in_dim, *(dim_list or [])]
        self.head = nn.Sequential(
            nn.Sequential(
                *(nn.Sequential(nn.Linear(before, after), nn.ReLU()) for before, after in itertools.pairwise(widths))
            ),
            nn.Dropout(dropout),
            nn.Linear(widths[-1], _outputs(num_outputs, num_classes)),
        )

    def forward(self, x: Float[Tensor, "batch channels *positions"]) -> Float[Tensor, "batch outputs"]:
        """Predict for a vector, a grid, or any other feature with its channels in front."""
        if x.ndim == 2:
            return self.head(x)  # type: ignore[no-any-return]
        positions = x.flatten(2).transpose(1, 2)
        if self.linear_after_pool:
            positions = positions.mean(1, keepdim=True)
        values: Tensor = self.head(positions).mean(1)
        return values


class ClassificationHead(ScalarHead):
    """A `ScalarHead` that scores classes.

    Args:
        in_dim: the channels of the feature.
        num_classes: how many classes there are.
        dim_list: the widths of hidden layers, each with a ReLU.
        dropout: how many of the values in front of the last layer are dropped while training.
        linear_after_pool: whether to average over the positions before the perceptron, in place of its scores.

    Raises:
        ArgumentError: `num_classes` is not given.
    """

    def __init__(
        self,
        in_dim: int,
        num_classes: int | None = None,
        dim_list: list[int] | None = None,
        dropout: float | int = 0,
        linear_after_pool: bool = False,
    ) -> None:
        super().__init__(in_dim, num_classes, dim_list, dropout, linear_after_pool)


def _outputs(num_outputs: int | None, num_classes: int | None) -> int:
    if num_outputs is not None and num_classes is not None:
        warnings.warn("num_outputs and num_classes are both given to a head; num_outputs counts", stacklevel=4)
    outputs = num_classes if num_outputs is None else num_outputs
    if outputs is None:
        raise ArgumentError("a head for whole images needs num_outputs or num_classes: how many values it predicts")
    return outputs
