"""What a model says of itself."""

from torch import nn

from isthmus.composition import Composition
from isthmus.specs import InputSpec, OutputSpec


class Stated(nn.Module):
    """A model that carries its statements.

    Attributes:
        composition: what it was built from; None where no factory built it.
        input_spec: what it takes; None where nobody has said it.
        output_spec: what its numbers mean; None where nobody has said it.
    """

    composition: Composition | None = None
    input_spec: InputSpec | None = None
    output_spec: OutputSpec | None = None
