"""The meaning of each kind of output: what is decided, and what it is called."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.base import ModelOutput
from isthmus.predictions import MEANING_REGISTRY, Meaning, meaning_of
from isthmus.registry import Entry
from isthmus.specs import Boxes, Classes, Embedding, OutputSpec, Points, Quantities, Reconstructed, Scope

NAMES = ("land", "water", "ice")
SIZES = {Scope.PIXEL: (2, 3, 4, 5), Scope.IMAGE: (2, 3)}


def random(*size, seed=0):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


@given(st.sampled_from(Scope), st.booleans(), st.integers(0, 20))
def test_what_is_decided_is_what_all_other_kinds_say_too(scope, several, seed):
    meaning = meaning_of(Classes(NAMES, scope=scope, several=several))
    output = ModelOutput(random(*SIZES[scope], seed=seed))
    decided, suffix = meaning.named(output, "prediction")
    logits, of_logits = meaning.named(output, "logits")
    probabilities, of_probabilities = meaning.named(output, "probabilities")
    assert (suffix, of_logits, of_probabilities) == ("pred", "logits", "probabilities")
    assert torch.equal(decided, meaning.decide(output))
    assert torch.equal(logits, output.output)
    if several:
        assert torch.equal(decided, probabilities >= 0.5)
    else:
        assert torch.equal(decided, probabilities.argmax(1))
        torch.testing.assert_close(probabilities.sum(1), torch.ones_like(probabilities[:, 0]))


@given(st.lists(st.floats(0.05, 0.95), min_size=3, max_size=3))
def test_each_class_has_its_threshold(thresholds):
    meaning = meaning_of(Classes(NAMES, scope=Scope.IMAGE, several=True, thresholds=tuple(thresholds)))
    logits = torch.tensor(thresholds).logit()
    assert meaning.decide(ModelOutput(torch.stack([logits + 0.01, logits - 0.01]))).tolist() == [
        [True] * 3,
        [False] * 3,
    ]


@pytest.mark.parametrize("spec", [Classes(NAMES), Quantities(NAMES), Quantities(NAMES, scope=Scope.IMAGE)])
def test_numbers_are_float32_whatever_the_model_computes_in(spec):
    meaning = meaning_of(spec)
    output = ModelOutput(random(*SIZES[spec.scope]).half())
    for kind in meaning.kinds:
        values, _ = meaning.named(output, kind)
        assert values.dtype == (torch.int64 if isinstance(spec, Classes) and kind == "prediction" else torch.float32)


@pytest.mark.parametrize("size", [(2, 4, 5), (2, 1, 4, 5)])
def test_quantities_are_what_the_model_gives(size):
    values = random(*size)
    assert torch.equal(meaning_of(Quantities(("height",), ("m",))).decide(ModelOutput(values)), values)


def test_points_need_the_size_of_the_images():
    with pytest.raises(ShapeError, match="without the size of its images"):
        meaning_of(Points(NAMES)).decide(ModelOutput(random(1, 3, 4, 5)))


def test_an_unknown_kind_of_prediction_is_named():
    with pytest.raises(ArgumentError, match=r"no 'logit'; did you mean 'logits'.* There are: prediction, logits"):
        meaning_of(Classes(NAMES)).named(ModelOutput(random(1, 3, 4, 5)), "logit")
    with pytest.raises(ArgumentError, match=r"There are: prediction$"):
        meaning_of(Quantities(NAMES)).named(ModelOutput(random(1, 3, 4, 5)), "probabilities")


@pytest.mark.parametrize("spec", [Boxes(NAMES), Embedding(4), Reconstructed(("RED",))])
def test_a_kind_without_a_meaning_is_named(spec):
    with pytest.raises(ArgumentError, match=f"{spec.kind!r} yet; there are: classes, quantities, points"):
        meaning_of(spec)


def test_another_package_brings_its_own_kind():
    class Angles(OutputSpec):
        kind = "angles"

    class AngleMeaning(Meaning[Angles]):
        def decide(self, output):
            return output.output.remainder(360)

        def _named(self, output, kind):
            return self.decide(output), kind

        def draw(self, path, samples, *, title, rgb_indices=(0, 1, 2)):
            raise NotImplementedError

    MEANING_REGISTRY.add(Entry("angles", AngleMeaning))
    try:
        assert meaning_of(Angles()).named(ModelOutput(torch.tensor([370.0])))[0].item() == 10
    finally:
        del MEANING_REGISTRY._entries["angles"]
