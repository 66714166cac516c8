"""timm's models as encoders."""

import copy
import math

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, CompositionError, UnknownNameError, WeightsError
from isthmus.registry import BACKBONE_REGISTRY
from isthmus.specs.features import Layout


@pytest.mark.real
@pytest.mark.parametrize("case", cases("backbones", "timm."), ids=lambda case: case["id"])
def test_against_the_reference(shared, case):
    check, oracle = load_oracle(), load_manifests()
    encoder = BACKBONE_REGISTRY.build(case["registry"], **case["kwargs"]).eval()
    assert encoder.out_channels == case["out_channels"]
    assert sum(parameter.numel() for parameter in encoder.parameters()) == case["total_params"]
    assert list(encoder.state_dict()) == [entry[0] for entry in oracle.manifest(case)]
    for run in case["runs"]:
        check.fill_(encoder, fixed=oracle.fixed_keys(case))
        with torch.no_grad():
            features = encoder(check.make_inputs(run["inputs"])["x"])
        assert differences(run["outputs"], features) == []


@pytest.mark.parametrize(
    ("name", "size", "layout", "patch"),
    [
        ("resnet18", (64, 96), Layout.GRID, None),
        ("convnext_atto", (64, 96), Layout.GRID, None),
        ("efficientnet_b0", (64, 96), Layout.GRID, None),
        ("vit_tiny_patch16_224", (64, 96), Layout.GRID, (16, 16)),
        ("deit_tiny_patch16_224", (64, 96), Layout.GRID, (16, 16)),
        ("swin_tiny_patch4_window7_224", (64, 96), Layout.GRID_LAST, (4, 4)),
        ("beit_base_patch16_224", (224, 224), Layout.GRID, (16, 16)),
        ("hiera_tiny_224", (224, 224), Layout.GRID, None),
    ],
)
def test_features_are_as_published(name, size, layout, patch):
    with torch.device("meta"):
        encoder = BACKBONE_REGISTRY.build(f"timm_{name}", in_chans=5).eval()
        features = encoder(torch.empty(2, 5, *size))
    assert isinstance(features, list)
    assert encoder.in_channels == 5
    assert encoder.out_channels == [spec.channels for spec in encoder.feature_specs]
    assert getattr(encoder, "patch_size", None) == patch
    assert getattr(encoder, "image_size", None) == ((224, 224) if size == (224, 224) else None)
    for feature, spec in zip(features, encoder.feature_specs, strict=True):
        height, width = (math.ceil(n / stride) for n, stride in zip(size, spec.stride, strict=True))
        assert spec.layout is layout
        grid = (height, width, spec.channels) if layout is Layout.GRID_LAST else (spec.channels, height, width)
        assert tuple(feature.shape) == (2, *grid)


def test_a_chosen_image_size_is_published():
    with torch.device("meta"):
        encoder = BACKBONE_REGISTRY.build("timm_beit_base_patch16_224", img_size=(96, 128))
    assert encoder.image_size == (96, 128)


def test_out_indices():
    with torch.device("meta"):
        some = BACKBONE_REGISTRY.build("timm_resnet18", out_indices=[1, 3])
        last = BACKBONE_REGISTRY.build("timm_vit_tiny_patch16_224", out_indices=2)
    assert some.out_channels == [64, 256]
    assert [spec.stride for spec in some.feature_specs] == [(4.0, 4.0), (16.0, 16.0)]
    assert last.out_channels == [192, 192]


def test_it_can_be_copied():
    encoder = BACKBONE_REGISTRY.build("timm_test_resnet")
    twin = copy.deepcopy(encoder)
    assert twin.feature_specs == encoder.feature_specs
    assert twin.out_channels == encoder.out_channels


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="did you mean 'resnet18'"):
        BACKBONE_REGISTRY.build("timm_resnet_18")


def test_what_timm_itself_refuses_passes_unchanged():
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        BACKBONE_REGISTRY.build("timm_resnet18", no_such_argument=1)


def test_a_classifier_is_no_encoder():
    with pytest.raises(ArgumentError, match="must give features"):
        BACKBONE_REGISTRY.build("timm_resnet18", features_only=False)


def test_a_model_that_timm_cannot_take_apart(monkeypatch):
    import timm

    def refuse(*args, **kwargs):
        raise RuntimeError("features_only not implemented for this model")

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(CompositionError, match="cannot take 'resnet18' apart"):
        BACKBONE_REGISTRY.build("timm_resnet18")


def test_weights_without_network_or_cache(monkeypatch, tmp_path):
    with pytest.raises(WeightsError, match=r"expected at timm/resnet18.* on the Hugging Face Hub") as caught:
        BACKBONE_REGISTRY.build("timm_resnet18", pretrained=True, cache_dir=str(tmp_path))
    assert "cache" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "known"), [("resnet18.nothing", "it has: resnet18.a1_in1k"), ("vit_base_patch32_plus_256", "it has: none")]
)
def test_weights_that_timm_does_not_have(name, known):
    with pytest.raises(WeightsError, match=f"no weights for {name!r}; with weights {known}"):
        BACKBONE_REGISTRY.build(f"timm_{name}", pretrained=True)


def test_weights_from_a_file(tmp_path):
    import timm
    from safetensors.torch import save_file

    source = timm.create_model("test_resnet")
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    encoder = BACKBONE_REGISTRY.build(
        "timm_test_resnet",
        pretrained=True,
        in_chans=4,
        pretrained_cfg_overlay={"file": str(tmp_path / "model.safetensors")},
    )
    published = source.state_dict()
    loaded = {name: tensor for name, tensor in encoder.state_dict().items() if tensor.shape == published[name].shape}
    assert len(loaded) == len(encoder.state_dict()) - 1  # all but the first layer, which is made for other bands
    assert all(torch.equal(tensor, published[name]) for name, tensor in loaded.items())
