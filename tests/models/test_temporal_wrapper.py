"""An encoder of single images on time series: the recorded numbers, the layouts, and what is refused."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracle import cases, differences, load_manifests, load_oracle
from torch import nn

from isthmus.errors import ArgumentError, CompositionError, ShapeError
from isthmus.models import EncoderDecoderFactory, TemporalWrapper
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.specs.features import FeatureSpec, Layout


class ResNet(nn.Module):
    """The network of the recordings, under its published names."""

    def __init__(self, out_indices=(4,)):
        super().__init__()
        import timm

        self.resnet_model = timm.create_model("resnet18")
        self.indices = list(out_indices)
        self.out_channels = [[64, 64, 128, 256, 512][index] for index in self.indices]

    def forward(self, x):
        return self.resnet_model.forward_intermediates(x, indices=self.indices, intermediates_only=True)


class Swin(nn.Module):
    def __init__(self, out_indices):
        super().__init__()
        import torchvision

        self.swin_model = torchvision.models.swin_v2_t()
        self.indices, self.out_channels, self.in_channels = out_indices, [96, 192], 3

    def forward(self, x):
        features = []
        for index, stage in enumerate(self.swin_model.features):
            x = stage(x)
            features += [x] if index in self.indices else []
        return features


BUILDERS = {
    "ssl4eos12_resnet18_sentinel2_rgb_moco": ResNet,
    "satlas_swin_t_sentinel2_si_rgb": Swin,
    "prithvi_eo_tiny": lambda: ISTHMUS_BACKBONE_REGISTRY.build("prithvi_eo_tiny"),
}
# What the reference does not check and Isthmus does.
REFUSED = {"temporal.resnet18.concat/t3": "n_timestamps says 2, so the number of channels would be another"}
CASES = [case for case in cases("backbones", "temporal.") if case["registry"] in BUILDERS]


@pytest.mark.real
def test_every_recorded_case_is_run(shared):
    assert len(CASES) == 11  # the twelfth, around TerraMind, is run as a whole model


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_recorded_numbers(shared, case):
    kwargs = dict(case["kwargs"])
    wrapping = {key.removeprefix("temporal_"): value for key, value in kwargs.items() if key.startswith("temporal_")}
    own = {"out_indices": kwargs["out_indices"]} if "out_indices" in kwargs else {}
    encoder = BUILDERS[case["registry"]](**own)
    if "build_raises" in case:
        with pytest.raises(ArgumentError) as caught:
            TemporalWrapper(encoder, **wrapping)
        assert str(caught.value).startswith(case["build_raises"]["message"].rstrip("."))
        return
    wrapper = TemporalWrapper(encoder, **wrapping).eval()
    assert wrapper.out_channels == case["out_channels"]
    check = load_oracle()
    check.fill_(wrapper, fixed=load_manifests().fixed_keys(case))
    for run in case["runs"]:
        x = check.make_inputs(run["inputs"])["x"]
        if "raises" in run or run["id"] in REFUSED:
            with pytest.raises(ShapeError) as refused:
                wrapper(x)
            assert run["id"] in REFUSED or run["raises"]["message"].rstrip(".") in str(refused.value)
            continue
        with torch.no_grad():
            assert not differences(run["outputs"], wrapper(x)), run["id"]


class Stub(nn.Module):
    """Gives what it is told to, with the mean of each image in it."""

    def __init__(self, layout=Layout.GRID, channels=3, width=4):
        super().__init__()
        self.layout, self.channels, self.width = layout, channels, width
        self.in_channels, self.patch_size, self.image_size = 2, 4, (16, 16)
        self.bands = ["RED", "GREEN"]
        self.feature_specs = [FeatureSpec(channels, layout, (4.0, 4.0) if layout is not Layout.VECTOR else None)]
        self.out_channels = [channels]
        self.seen = {}

    def forward(self, x, temporal_coords=None, location_coords=None):
        self.seen = {"x": x, "temporal_coords": temporal_coords, "location_coords": location_coords}
        value = torch.stack([x.mean((1, 2, 3)) * (index + 1) for index in range(self.channels)], dim=1)
        grid = value[:, :, None, None].expand(-1, -1, 4, self.width)
        shaped = {
            Layout.GRID: grid,
            Layout.GRID_LAST: grid.permute(0, 2, 3, 1),
            Layout.TOKENS: grid.flatten(2).transpose(1, 2),
            Layout.VECTOR: value,
        }
        return [shaped[self.layout]]


@pytest.mark.parametrize("layout", list(Layout))
def test_concat_puts_the_steps_along_the_channels(layout):
    wrapper = TemporalWrapper(Stub(layout), "concat", n_timestamps=2)
    (feature,) = wrapper(torch.randn(5, 2, 2, 16, 16))
    axis = 1 if layout in (Layout.GRID, Layout.VECTOR) else -1
    assert feature.shape[axis] == 6
    assert wrapper.out_channels == [6]
    assert wrapper.feature_specs[0].channels == 6
    assert wrapper.feature_specs[0].layout is layout


def test_a_grid_of_width_one_stays_a_grid():
    wrapper = TemporalWrapper(Stub(channels=8, width=1))
    assert wrapper(torch.randn(2, 2, 3, 16, 4))[0].shape == (2, 8, 4, 1)


@given(steps=st.integers(1, 4), batch=st.integers(1, 3))
def test_each_pooling_against_its_definition(steps, batch):
    x = torch.randn(batch, 2, steps, 8, 8)
    alone = torch.stack([Stub()(x[:, :, step])[0] for step in range(steps)], dim=1)
    expected = {"mean": alone.mean(1), "max": alone.amax(1), "keep": alone, "concat": alone.flatten(1, 2)}
    for pooling, wanted in expected.items():
        torch.testing.assert_close(TemporalWrapper(Stub(), pooling, n_timestamps=steps)(x)[0], wanted)


def test_subsets_are_averaged_first():
    x = torch.randn(2, 2, 5, 8, 8)
    alone = torch.stack([Stub()(x[:, :, step])[0] for step in range(5)], dim=1)
    first, second = alone[:, :2].mean(1), alone[:, 2:].mean(1)
    for pooling, wanted in {
        "mean": (first + second) / 2,
        "max": torch.maximum(first, second),
        "diff": first - second,
        "keep": torch.stack([first, second], 1),
        "concat": torch.cat([first, second], 1),
    }.items():
        wrapper = TemporalWrapper(Stub(), pooling, subset_lengths=[2, 3])
        torch.testing.assert_close(wrapper(x)[0], wanted)
        assert wrapper.out_channels == [6 if pooling == "concat" else 3]


def test_keywords_reach_the_encoder_step_by_step():
    stub = Stub()
    dates, places = torch.arange(8.0).reshape(2, 2, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    x = torch.randn(2, 2, 2, 8, 8)
    with pytest.warns(UserWarning, match=r"^Stub takes no hour and no weather: left out$"):
        TemporalWrapper(stub)(x, temporal_coords=dates, location_coords=places, hour=12, weather="fine")
    assert stub.seen["temporal_coords"].tolist() == [[[0, 1]], [[2, 3]], [[4, 5]], [[6, 7]]]
    assert stub.seen["location_coords"].tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]
    with pytest.raises(ShapeError, match=r"temporal_coords has the shape \(2, 3, 2\).*a date a step"):
        TemporalWrapper(stub)(torch.randn(2, 2, 2, 8, 8), temporal_coords=torch.zeros(2, 3, 2))


class Multimodal(nn.Module):
    """Takes a dict of modalities and gives a dict for each layer."""

    def __init__(self):
        super().__init__()
        self.out_channels = [3, 3]
        self.feature_specs = [FeatureSpec(3, Layout.GRID, (4.0, 4.0))] * 2
        self.image_stub = Stub()

    def forward(self, x):
        assert all(len(tensor) == len(next(iter(x.values()))) for tensor in x.values())
        images = {name: tensor for name, tensor in x.items() if tensor.ndim == 4}
        return [{name: self.image_stub(image)[0] for name, image in images.items()} for _ in self.out_channels]


def test_dicts_of_modalities_and_of_features():
    x = {"S2": torch.randn(2, 12, 3, 8, 8), "S1": torch.randn(2, 2, 3, 8, 8), "coords": torch.randn(2, 2)}
    features = TemporalWrapper(Multimodal(), "concat", n_timestamps=3)(x)
    assert [{name: tuple(tensor.shape) for name, tensor in layer.items()} for layer in features] == [
        {"S2": (2, 9, 4, 4), "S1": (2, 9, 4, 4)}
    ] * 2
    with pytest.raises(ShapeError, match=r"S2 \(2, 12, 3, 8, 8\), S1 \(2, 2, 8, 8\)"):
        TemporalWrapper(Multimodal())({**x, "S1": torch.randn(2, 2, 8, 8)})
    with pytest.raises(ShapeError, match="same number of steps"):
        TemporalWrapper(Multimodal())({**x, "S1": torch.randn(2, 2, 4, 8, 8)})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pooling": "sum"}, r"Unsupported pooling 'sum', choose from \['mean', 'max', 'diff', 'keep', 'concat'\]"),
        ({"pooling": "diff", "subset_lengths": [1, 1, 1]}, "exactly two subsets"),
        ({"pooling": "diff", "n_timestamps": 3}, "takes 2 steps"),
        ({"pooling": "concat"}, "needs n_timestamps"),
        ({"subset_lengths": [1, 1], "n_timestamps": 3}, r"got sum=2, n_timestamps=3"),
        ({"subset_lengths": [0, 2]}, "at least 1"),
        ({"n_timestamps": 0}, "at least 1"),
        ({"features_permute_op": [0, 3, 3, 1]}, "no permutation"),
    ],
)
def test_contradicting_arguments_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        TemporalWrapper(Stub(), **arguments)


@pytest.mark.parametrize(
    ("arguments", "steps", "message"),
    [
        ({"n_timestamps": 3}, 2, r"n_timestamps \(3\) must equal timesteps \(2\)"),
        ({"subset_lengths": [1, 2]}, 2, r"Sum of `subset_lengths` \(3\) must equal timesteps \(2\)"),
        ({"pooling": "diff"}, 3, "takes 2 steps, got 3"),
    ],
)
def test_a_wrong_number_of_steps_is_one_clear_error(arguments, steps, message):
    with pytest.raises(ShapeError, match=message):
        TemporalWrapper(Stub(), **arguments)(torch.randn(1, 2, steps, 8, 8))


def test_an_older_way_to_say_concat():
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert TemporalWrapper(Stub(), concat=True, n_timestamps=2).pooling == "concat"


def test_an_encoder_that_takes_series_itself_is_not_wrapped():
    with pytest.raises(ArgumentError, match="takes time series of 3 frames itself"):
        TemporalWrapper(
            ISTHMUS_BACKBONE_REGISTRY.build("prithvi_eo_tiny", num_frames=3, depth=1, embed_dim=32, img_size=32)
        )


def test_what_the_wrapper_does_not_say_the_encoder_says():
    wrapper = copy.deepcopy(TemporalWrapper(Stub()))
    assert (wrapper.bands, wrapper.in_channels, wrapper.image_size) == (["RED", "GREEN"], 2, (16, 16))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = wrapper.nonsense


SMALL = {
    "task": "segmentation",
    "backbone": "prithvi_eo_tiny",
    "backbone_depth": 2,
    "backbone_embed_dim": 32,
    "backbone_num_heads": 2,
    "backbone_img_size": 32,
    "decoder": "FCNDecoder",
    "decoder_channels": 8,
    "necks": "auto",
    "num_classes": 2,
}


def test_a_model_of_time_series_by_the_arguments_of_its_backbone():
    model = EncoderDecoderFactory().build_model(
        **SMALL, backbone_use_temporal=True, backbone_temporal_pooling="concat", backbone_temporal_n_timestamps=3
    )
    assert isinstance(model.encoder, TemporalWrapper)
    assert model(torch.randn(2, 6, 3, 32, 32)).output.shape == (2, 2, 32, 32)
    with pytest.raises(ShapeError, match=r"Expected input shape \[B, C, T, H, W\], got \(2, 6, 32, 32\)"):
        model(torch.randn(2, 6, 32, 32))


def test_arguments_in_one_dict_and_without_the_switch():
    kwargs = {name: SMALL[name] for name in SMALL if not name.startswith("backbone_")}
    model = EncoderDecoderFactory().build_model(
        **kwargs, backbone_kwargs={"use_temporal": True, "temporal_pooling": "diff", "depth": 1}
    )
    assert model.encoder.num_frames == 2
    with pytest.raises(ArgumentError, match="backbone_temporal_pooling is given without backbone_use_temporal"):
        EncoderDecoderFactory().build_model(**SMALL, backbone_temporal_pooling="mean")
    with pytest.raises(CompositionError, match="leaves an axis of time"):
        EncoderDecoderFactory().build_model(**SMALL, backbone_use_temporal=True, backbone_temporal_pooling="keep")


def test_the_plan_runs_time_series():
    from isthmus.plan import plan

    planned = plan({**SMALL, "backbone_use_temporal": True, "backbone_temporal_n_timestamps": 1})
    assert planned.output == [(1, 2, 32, 32)]
    assert "TemporalWrapper" in planned.table()
