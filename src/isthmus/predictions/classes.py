"""The meaning of scores of classes, per pixel and per image: one of K is true, or several at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isthmus.models.base import ModelOutput
from isthmus.predictions.class_pictures import draw_samples
from isthmus.predictions.maps import MapMeaning
from isthmus.predictions.meaning import Meaning, PredictedSample
from isthmus.predictions.palette import Colour, default_colors
from isthmus.predictions.pictures import PictureSample
from isthmus.predictions.thumbnails import Thumbnail, draw_thumbnails
from isthmus.rasters.legend import Legend, class_legend, flag_legend, value_legend
from isthmus.specs import Classes, Scope

_DECIDED = "pred"
_EVEN_ODDS = 0.5


def meaning_of_classes(spec: Classes) -> "ClassMeaning":
    """The meaning of classes, after what they are said of."""
    return ImageClasses(spec) if spec.scope is Scope.IMAGE else ClassMaps(spec)


class ClassMeaning(Meaning[Classes]):
    """What classes per pixel and per image have in common.

    Attributes:
        colours: one a class.
    """

    kinds = ("prediction", "logits", "probabilities")
    each = "class"

    def __init__(self, spec: Classes) -> None:
        super().__init__(spec)
        self.colours: Sequence[Colour] = spec.colours or default_colors(spec.names)

    def decide(self, output: ModelOutput) -> Tensor:
        """The class that is true, int64 `(B, ...)`; where several can be, whether each is, bool `(B, K, ...)`."""
        logits = output.output.detach()
        if not self.spec.several:
            return logits.max(1).indices  # many times faster than argmax on a CPU
        thresholds = self.spec.thresholds or (_EVEN_ODDS,) * len(self.spec.names)
        return self.probabilities(logits) >= logits.new_tensor(thresholds, dtype=torch.float32).view(
            -1, *[1] * (logits.ndim - 2)
        )

    def probabilities(self, logits: Tensor) -> Tensor:
        """The probability of each class, float32 `(B, K, ...)`."""
        return logits.float().sigmoid() if self.spec.several else logits.float().softmax(1)

    def _named(self, output: ModelOutput, kind: str) -> tuple[Tensor, str]:
        if kind == "prediction":
            return self.decide(output), _DECIDED
        logits = output.output.float()  # also where the model computes in half precision
        return (self.probabilities(logits) if kind == "probabilities" else logits), kind


class ClassMaps(ClassMeaning, MapMeaning[Classes]):
    """Classes of pixels: logits `(B, K, H, W)`."""

    def legend(self, suffix: str) -> Legend:
        """One band of classes with their names and colours, or one band of scores or flags a class."""
        if suffix != _DECIDED:
            return value_legend(self.spec.names)
        return flag_legend(self.spec.names) if self.spec.several else class_legend(self.spec.names, self.colours)

    def draw(
        self, path: Path, samples: Sequence[PredictedSample], *, title: str, rgb_indices: Sequence[int] = (0, 1, 2)
    ) -> None:
        """The image, its label and the predicted classes side by side."""
        shown = [
            PictureSample(
                sample.image,
                None if sample.truth is None else sample.truth[0].squeeze().cpu().numpy(),
                self.decide(sample.output)[0].cpu().numpy(),
                sample.name,
            )
            for sample in samples
        ]
        draw_samples(path, shown, self.spec.names, self.colours, title=title, rgb_indices=rgb_indices)


class ImageClasses(ClassMeaning):
    """Classes of whole images: logits `(B, K)`."""

    def row(self, values: Tensor, suffix: str) -> dict[str, Any]:
        """The class, or the names of all that are true; or a column of scores for each class."""
        names = self.spec.names
        if suffix != _DECIDED:
            column = {"probabilities": "probability", "logits": "logit"}.get(suffix, suffix)
            scores: list[np.float32] = list(values.float().cpu().numpy())
            return {f"{column}_{name}": score for name, score in zip(names, scores, strict=True)}
        if self.spec.several:
            return {"classes": self._true(values)}
        return {"class": names[int(values)]}

    def draw(
        self, path: Path, samples: Sequence[PredictedSample], *, title: str, rgb_indices: Sequence[int] = (0, 1, 2)
    ) -> None:
        """The images, with their true and their predicted class."""
        shown = [self._thumbnail(sample) for sample in samples]
        draw_thumbnails(path, shown, title=title, rgb_indices=rgb_indices)

    def _thumbnail(self, sample: PredictedSample) -> Thumbnail:
        predicted = self.decide(sample.output)[0].cpu()
        if sample.truth is None:
            return Thumbnail(sample.image, sample.name, None, self._said(predicted))
        true = sample.truth[0].cpu()
        right = bool((true == predicted).all())
        return Thumbnail(sample.image, sample.name, self._said(true), self._said(predicted), right)

    def _said(self, classes: Tensor) -> str:
        if self.spec.several:
            return self._true(classes) or "none"
        index = int(classes)
        return self.spec.names[index] if 0 <= index < len(self.spec.names) else "not labelled"

    def _true(self, flags: Tensor) -> str:
        return "; ".join(name for name, flag in zip(self.spec.names, flags.tolist(), strict=True) if flag)
