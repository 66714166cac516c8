"""Finding a part in a checkpoint, fitting its first layer to other bands, and loading it."""

import pytest
import torch
from torch import nn

from isthmus.errors import ArgumentError, WeightsError
from isthmus.weights import fit_bands, load_weights, part_with

ANCHOR = "patch_embed.proj.weight"
BANDS = ["BLUE", "GREEN", "RED"]


@pytest.mark.parametrize("prefix", ["", "encoder.", "model.encoder.", "module.model.encoder._timm_module."])
def test_a_part_is_found_under_any_prefix(prefix):
    part = {ANCHOR: torch.ones(1), "norm.bias": torch.zeros(1)}
    others = {"decoder.norm.bias": torch.ones(1)} if prefix else {}
    checkpoint = {prefix + key: tensor for key, tensor in part.items()} | others
    entries, ignored = part_with(ANCHOR, checkpoint, "w.pt")
    assert entries == part
    assert ignored == list(others)


@pytest.mark.parametrize("checkpoint", [{"conv.weight": 0}, {f"a.{ANCHOR}": 0, f"b.{ANCHOR}": 0}, {f"un{ANCHOR}": 0}])
def test_a_part_that_is_missing_or_there_twice_is_an_error(checkpoint):
    with pytest.raises(WeightsError, match=r"w\.pt: exactly one entry that ends in 'patch_embed\.proj\.weight'"):
        part_with(ANCHOR, {key: torch.ones(1) for key in checkpoint}, "w.pt")


@pytest.fixture
def weight():
    return torch.randn(4, 3, 1, 2, 2)


def test_the_same_bands_keep_the_weights_whether_list_or_tuple(weight):
    for same in (list(BANDS), tuple(BANDS)):
        fitted, change = fit_bands(weight, same, BANDS, torch.zeros(4, 3, 1, 2, 2), "w.pt")
        assert fitted is weight
        assert change is None


@pytest.mark.parametrize("kind", [list, tuple])
def test_shared_bands_are_copied_by_name_and_new_ones_averaged(weight, kind):
    fitted, change = fit_bands(weight, tuple(BANDS), kind(["RED", "VV", "BLUE"]), torch.zeros(4, 3, 1, 2, 2), "w.pt")
    torch.testing.assert_close(fitted, torch.stack([weight[:, 2], weight.mean(1), weight[:, 0]], dim=1))
    assert change == "RED, BLUE copied by name; VV set to the mean of all bands; GREEN left out"


def test_new_bands_keep_their_random_weights_on_request(weight):
    initial = torch.randn(4, 2, 1, 2, 2)
    fitted, change = fit_bands(weight, BANDS, ["VV", "RED"], initial, "w.pt", "random")
    assert torch.equal(fitted, torch.stack([initial[:, 0], weight[:, 2]], dim=1))
    assert "VV at random" in change


def test_bands_that_are_all_unknown_need_a_decision(weight):
    initial = torch.randn(4, 2, 1, 2, 2)
    with pytest.raises(WeightsError, match="none of them is among the bands of the images: 0, VH"):
        fit_bands(weight, BANDS, [0, "VH"], initial, "w.pt")
    fitted, _ = fit_bands(weight, BANDS, [0, "VH"], initial, "w.pt", "mean")
    torch.testing.assert_close(fitted, weight.mean(1, keepdim=True).expand_as(initial))


@pytest.mark.parametrize(
    ("initial", "bands", "message"),
    [
        ((4, 3, 1, 4, 4), BANDS, r"patches of \(1, 2, 2\), the encoder for \(1, 4, 4\)"),
        ((4, 3, 3, 2, 2), BANDS, r"the encoder for \(3, 2, 2\)"),
        ((8, 3, 1, 2, 2), BANDS, "that of another model"),
        ((4, 3, 2, 2), BANDS, "that of another model"),
        ((4, 3, 1, 2, 2), ["RED"], "was made for 3 bands, but pretrained_bands lists 1: RED"),
    ],
)
def test_sizes_that_do_not_fit_are_an_error(weight, initial, bands, message):
    with pytest.raises(WeightsError, match=message):
        fit_bands(weight, bands, BANDS, torch.zeros(initial), "w.pt")


def test_an_unknown_way_for_new_bands_is_an_error(weight):
    with pytest.raises(ArgumentError, match="did you mean 'random'"):
        fit_bands(weight, BANDS, BANDS, weight, "w.pt", "randm")


def entries_of(module, **changes):
    return {key: torch.full_like(tensor, 2.0) for key, tensor in module.state_dict().items()} | changes


def test_what_was_loaded_is_reported():
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    entries = entries_of(module, extra=torch.ones(1))
    del entries["1.num_batches_tracked"]
    report = load_weights(module, entries, "w.pt", adapted={"0.weight": "halved"}, ignored=["decoder.x"])
    assert module[0].weight.eq(2).all()
    assert module[1].running_mean.eq(2).all()
    assert report.adapted == {"0.weight": "halved"}
    assert "0.weight" not in report.loaded
    assert report.ignored == ("decoder.x", "extra")
    assert report.random == ()
    for line in ("weights from w.pt", "0.weight: halved", "extra (1)"):
        assert line in str(report)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"0.bias": None}, r"w\.pt lacks 0\.bias; set allow_missing_weights"),
        ({"0.weight": torch.ones(5, 5)}, r"other sizes: 0\.weight \(5, 5\), not \(3, 2\)"),
        ({"0.bias": torch.tensor([1.0, float("nan"), 1.0])}, r"NaN or infinite values in 0\.bias"),
        ({"1.bias": torch.tensor([float("-inf")])}, r"NaN or infinite values in 1\.bias"),
        ({"0.bias": torch.tensor([float("inf"), float("-inf"), 0.0])}, r"NaN or infinite values in 0\.bias"),
        ({"0.bias": torch.tensor([1.0, float("nan"), 1.0]).to(torch.float8_e5m2)}, "NaN or infinite"),
        ({"0.weight": torch.ones(3, 2, dtype=torch.int8)}, r"another kind than the model: 0\.weight torch\.int8"),
    ],
)
@pytest.mark.parametrize("assign", [False, True])
def test_nothing_is_loaded_where_anything_is_wrong(changes, message, assign):
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    entries = {key: tensor for key, tensor in entries_of(module, **changes).items() if tensor is not None}
    with pytest.raises(WeightsError, match=message):
        load_weights(module, entries, "w.pt", assign=assign)
    assert all(torch.equal(tensor, before[key]) for key, tensor in module.state_dict().items())


def test_missing_parameters_stay_at_random_when_that_is_allowed():
    module = nn.Linear(2, 3)
    report = load_weights(module, {"bias": torch.ones(3)}, "w.pt", allow_missing=True)
    assert report.random == ("weight",)
    assert report.loaded == ("bias",)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_large_values_are_no_infinite_ones(dtype):
    large = torch.full((3, 2), torch.finfo(dtype).max, dtype=dtype)  # their sum is infinite
    module = nn.Linear(2, 3)
    load_weights(module, {"weight": large, "bias": torch.ones(3)}, "w.pt", assign=True)
    assert torch.equal(module.weight, large.float())


def test_assigned_entries_have_memory_of_their_own():
    storage = torch.arange(12.0)
    module = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 2, bias=False))
    tied = storage[:6].view(3, 2)
    load_weights(module, {"0.weight": tied, "1.weight": tied.T}, "w.pt", assign=True)
    for weight in module.parameters():
        assert weight.is_contiguous()
        assert weight.requires_grad
        assert weight.untyped_storage().nbytes() == weight.nbytes
    assert len({weight.untyped_storage().data_ptr() for weight in module.parameters()}) == 2
    assert torch.equal(module[1].weight, module[0].weight.T)


def test_assigned_entries_take_the_type_of_the_module():
    module = nn.BatchNorm1d(2).bfloat16()
    entries = {
        key: tensor.double() if tensor.is_floating_point() else tensor for key, tensor in module.state_dict().items()
    }
    load_weights(module, entries, "w.pt", assign=True)
    assert {tensor.dtype for tensor in module.parameters()} == {torch.bfloat16}
