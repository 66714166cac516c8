"""Holding the contract of an encoder against encoders: sound ones, and ones with a fault each."""

import pytest
import torch
from torch import nn

from isthmus.errors import EncoderContractError, MissingExtraError
from isthmus.plan import check_encoder
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.specs.features import FeatureSpec


class Sound(nn.Module):
    """One convolution of stride 2."""

    def __init__(self):
        super().__init__()
        self.in_channels, self.out_channels = 3, [4]
        self.feature_specs = [FeatureSpec(4, stride=(2.0, 2.0))]
        self.convolution = nn.Conv2d(3, 4, 3, 2, 1)

    def forward(self, x):
        return [self.convolution(x)]


def test_a_sound_encoder_passes():
    encoder = Sound()
    assert check_encoder(encoder) == encoder.feature_specs


class ChangesItsInput(Sound):
    def forward(self, x):
        return super().forward(x.mul_(2))


class Remembers(Sound):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x + self.calls)


class IsNoList(Sound):
    def forward(self, x):
        return super().forward(x)[0]


class IsOneShort(Sound):
    def forward(self, x):
        return super().forward(x)[:-1]


class CountsWrong(Sound):
    def __init__(self):
        super().__init__()
        self.out_channels = [5]


class StridesWrong(Sound):
    def __init__(self):
        super().__init__()
        self.feature_specs = [FeatureSpec(4, stride=(4.0, 4.0))]


class IsSquareOnly(Sound):
    def forward(self, x):
        if x.shape[-1] != x.shape[-2]:
            raise ValueError("square images only")
        return super().forward(x)


class CopiesItsForward(Sound):
    def __init__(self):
        super().__init__()
        convolution = self.convolution
        self.forward = lambda x: [convolution(x)]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (ChangesItsInput, "changes its input"),
        (Remembers, "two calls on the same image"),
        (IsNoList, "gives a Tensor, not a list"),
        (IsOneShort, "gives 0 features, but 1"),
        (CountsWrong, r"out_channels is \[5\], but feature_specs say \[4\]"),
        (StridesWrong, r"has the shape \(1, 4, 112, 112\), but its spec says \(1, 4, 56, 56\)"),
        (IsSquareOnly, r"cannot take images of \(64, 96\): square images only"),
        (CopiesItsForward, "computes with the weights of the original"),
    ],
)
def test_each_fault_is_found(broken, message):
    with pytest.raises(EncoderContractError, match=message):
        check_encoder(broken())


def test_every_fault_is_told_at_once():
    class Twice(CountsWrong, ChangesItsInput):
        pass

    with pytest.raises(EncoderContractError, match=r"(?s)out_channels.*changes its input"):
        check_encoder(Twice())


ENTRIES = map(ISTHMUS_BACKBONE_REGISTRY.entry, sorted(ISTHMUS_BACKBONE_REGISTRY))
FACTS = {entry.name: entry.facts for entry in ENTRIES if str(entry.target).startswith("isthmus.")}  # no plug-ins
SMALLEST: dict[str, str] = {}  # of each family
for each in sorted(FACTS, key=lambda name: FACTS[name].get("parameters") or 10**9):
    SMALLEST.setdefault(FACTS[each].get("family", each), each)


def build_on_meta(name):
    with torch.device("meta"):
        return build(name)


def build(name):
    entry = ISTHMUS_BACKBONE_REGISTRY.entry(name)
    needed = {each.name for each in entry.signature().parameters if each.required}
    try:
        return entry.build(**({"model_bands": FACTS[name]["bands"]} if "model_bands" in needed else {}))
    except MissingExtraError as missing:
        if "extra" not in FACTS[name]:
            raise
        pytest.skip(str(missing))


@pytest.mark.parametrize("name", FACTS)
def test_every_backbone_of_isthmus_is_as_large_as_its_facts_say(name):
    encoder = build_on_meta(name)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == FACTS[name]["parameters"]


@pytest.mark.parametrize("name", SMALLEST.values())
def test_every_family_keeps_the_contract_in_its_shapes(name):
    check_encoder(build_on_meta(name))


SMALL = [name for name in SMALLEST.values() if (FACTS[name].get("parameters") or 10**9) < 10_000_000]


@pytest.mark.parametrize("name", SMALL)
def test_the_small_ones_keep_it_in_their_values(name):
    check_encoder(build(name), [(64, 96)])
