"""Layers that start from Xavier's uniform distribution (Glorot and Bengio, 2010) and a bias of zero."""

from torch import nn


def _draw(layer: nn.Linear | nn.Conv2d | nn.Conv3d) -> None:
    """Draw new weights."""
    nn.init.xavier_uniform_(layer.weight.data.flatten(1))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class XavierLinear(nn.Linear):
    """A linear layer."""

    reset_parameters = _draw


class XavierConv2d(nn.Conv2d):
    """A convolution that starts as the linear layer over patches that it is."""

    reset_parameters = _draw


class XavierConv3d(nn.Conv3d):
    """The same over time, height and width."""

    reset_parameters = _draw
