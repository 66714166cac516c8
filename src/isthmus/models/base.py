"""The contract of a model: what every factory returns and every task drives."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from isthmus.errors import ShapeError
from isthmus.models.map_stride import map_stride
from isthmus.models.statements import Stated


@dataclass
class ModelOutput:
    """What a model gives.

    Attributes:
        output: the main prediction.
        auxiliary_heads: the predictions of the auxiliary heads by name; empty where there are none.
        image_size: (height, width) in pixels of the images that it is about; None where nobody said.
    """

    output: Tensor
    auxiliary_heads: dict[str, Tensor] = field(default_factory=dict)
    image_size: tuple[int, int] | None = None

    @property
    def stride(self) -> int:
        """How many pixels lie between two cells of the prediction, which is a map.

        Raises:
            ShapeError: no whole number, or nobody said how large the images are.
        """
        if self.image_size is None:
            raise ShapeError("the stride of a prediction is not known without the size of its images")
        return map_stride(self.image_size, self.output.shape[-2:])


torch.export.register_dataclass(ModelOutput, serialized_type_name="isthmus.ModelOutput")


@dataclass
class AuxiliaryHead:
    """An auxiliary decoder with its head, as a configuration describes it.

    Attributes:
        name: what its loss and its output are called.
        decoder: the name of the decoder, or a decoder class.
        decoder_args: arguments, with the prefixes `decoder_` and `head_`.
    """

    name: str
    decoder: str | type[nn.Module]
    decoder_args: dict[str, Any] = field(default_factory=dict)


class Model(ABC, Stated):
    """A model that a task can train: it can be frozen part by part and gives a `ModelOutput`.

    Attributes:
        auxiliary_weights: what the losses of auxiliary outputs weigh where the task says nothing, by name.
    """

    auxiliary_weights: Mapping[str, float] = MappingProxyType({})
    _frozen: frozenset[str] = frozenset()

    @abstractmethod
    def freeze_encoder(self) -> None:
        """Stop training the encoder: no gradients, and normalisation and dropout as in evaluation."""

    @abstractmethod
    def freeze_decoder(self) -> None:
        """Stop training the necks and the decoder."""

    @abstractmethod
    def freeze_head(self) -> None:
        """Stop training the head."""

    @abstractmethod
    def forward(self, x: Any, **kwargs: Any) -> ModelOutput:
        """Predict for a batch of images, `(B, C, H, W)` or `(B, C, T, H, W)` or a dict of them by modality."""

    def freeze(self, *names: str) -> None:
        """Stop training parts, given by their dotted names: no gradients, and they stay in evaluation mode.

        What was put into them for tuning, such as prompts, says `stays_trainable` and is left as it is.
        """
        for name in names:
            self.get_submodule(name).requires_grad_(requires_grad=False).eval()
        self._frozen = self._frozen | set(names)
        for part in self._tuned():
            part.requires_grad_().train(self.training)

    def train(self, mode: bool = True) -> "Model":
        """Switch to training, but for the frozen parts, whose normalisation and dropout stay as in evaluation."""
        super().train(mode)
        for name in self._frozen:
            self.get_submodule(name).eval()
        for part in self._tuned():
            part.train(mode)
        return self

    def _tuned(self) -> Iterator[nn.Module]:
        """What is trained although it is within a frozen part."""
        frozen = (self.get_submodule(name) for name in self._frozen)
        return (part for whole in frozen for part in whole.modules() if getattr(part, "stays_trainable", False))


class ModelFactory(Protocol):
    """Something that builds models."""

    def build_model(self, *args: Any, **kwargs: Any) -> nn.Module:
        """Build a model from a task and arguments."""
        ...
