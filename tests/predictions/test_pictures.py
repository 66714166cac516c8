"""Pictures of samples of every kind."""

from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus.errors import ShapeError
from isthmus.models.base import ModelOutput
from isthmus.predictions import PredictedSample, meaning_of
from isthmus.predictions.class_pictures import paint
from isthmus.predictions.thumbnails import Thumbnail
from isthmus.specs import Classes, Quantities, Scope

NAMES = ("a", "b")
CASES = {
    "classes": (Classes(NAMES), (1, 2, 8, 8), torch.randint(-1, 2, (1, 8, 8))),
    "flags": (Classes(NAMES, several=True), (1, 2, 8, 8), torch.randint(0, 2, (1, 2, 8, 8))),
    "quantity": (Quantities(("a",), ("m",)), (1, 8, 8), torch.full((1, 1, 8, 8), torch.nan)),
    "quantities": (Quantities(NAMES), (1, 2, 8, 8), torch.rand(1, 2, 8, 8)),
    "label": (Classes(NAMES, scope=Scope.IMAGE), (1, 2), torch.tensor([1])),
    "labels": (Classes(NAMES, scope=Scope.IMAGE, several=True), (1, 2), torch.tensor([[1, 0]])),
    "number": (Quantities(("a",), ("t/ha",), scope=Scope.IMAGE), (1, 1), torch.tensor([3.0])),
    "numbers": (Quantities(NAMES, scope=Scope.IMAGE), (1, 2), torch.tensor([[3.0, 4.0]])),
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_samples_are_drawn(tmp_path, case, known):
    spec, size, truth = CASES[case]
    image = np.random.default_rng(0).random((4, 8, 8))
    samples = [
        PredictedSample(image, ModelOutput(torch.randn(size)), truth if known else None, "name") for _ in range(4)
    ]
    meaning_of(spec).draw(tmp_path / "s.png", samples, title="val")
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["s.png"]


def test_the_colours_of_all_that_is_true_are_mixed():
    flags = np.array([[[True, True, False]], [[False, True, False]]])
    assert paint(flags, [(10, 20, 30), (30, 40, 50)])[0].tolist() == [[10, 20, 30], [20, 30, 40], [0, 0, 0]]


def test_a_thumbnail_says_what_is_true_and_what_was_predicted():
    meaning = meaning_of(Classes(NAMES, scope=Scope.IMAGE))
    sample = PredictedSample(np.zeros((3, 2, 2)), ModelOutput(torch.tensor([[0.0, 1.0]])), torch.tensor([0]), "x")
    drawn = meaning._thumbnail(sample)
    assert isinstance(drawn, Thumbnail)
    assert (drawn.true, drawn.predicted, drawn.right) == ("a", "b", False)


def test_another_number_of_maps_than_quantities():
    sample = PredictedSample(np.zeros((3, 2, 2)), ModelOutput(torch.zeros(1, 3, 2, 2)), None, "x")
    with pytest.raises(ShapeError, match="3 maps, but 2 quantities: a, b"):
        meaning_of(Quantities(NAMES)).draw(Path("unused.png"), [sample], title="")
