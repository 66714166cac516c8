"""smp's decoders over any features."""

import pytest
import torch
from oracle import cases, differences, load_manifests, load_oracle

from isthmus.errors import ArgumentError, CompositionError, ShapeError, UnknownNameError
from isthmus.registry import DECODER_REGISTRY
from isthmus.specs.features import Pyramid

CHANNELS = [16, 24, 32, 48, 64]
SIZES = [64, 32, 16, 8, 4]

RECORDED = cases("decoders", "decoder.smp.")


def features(channels=CHANNELS, sizes=SIZES):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, count, size, size, generator=generator) for count, size in zip(channels, sizes, strict=True)]


@pytest.mark.real
@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["id"])
def test_against_the_reference(shared, case):
    check, oracle = load_oracle(), load_manifests()
    if "build_raises" in case:
        with pytest.raises(UnknownNameError):
            DECODER_REGISTRY.build(case["registry"], case["channel_list"], **case["kwargs"])
        return
    decoder = DECODER_REGISTRY.build(case["registry"], case["channel_list"], **case["kwargs"]).eval()
    assert decoder.out_channels == case["out_channels"]
    assert sum(parameter.numel() for parameter in decoder.parameters()) == case["total_params"]
    assert set(decoder.state_dict()) == {entry[0] for entry in oracle.manifest(case)}
    for run in case["runs"]:
        given = check.make_inputs(run["inputs"])["x"]
        if "raises" in run:
            with pytest.raises(RuntimeError, match="Output size is too small"):
                decoder(given)
            continue
        for key, scheme in (("outputs", "std02"), ("outputs_fanin", "fanin")):
            check.fill_(decoder, fixed=oracle.fixed_keys(case), scheme=scheme)
            with torch.no_grad():
                assert differences(run[key], decoder(given)) == []


@pytest.mark.parametrize("name", list(DECODER_REGISTRY["smp"]))
def test_it_is_the_decoder_of_smps_own_model(name):
    import segmentation_models_pytorch as smp

    if name == "DPT":
        pytest.skip("smp builds it over its own vision transformers only")
    own = getattr(smp, name)("resnet18", encoder_weights=None, in_channels=4).eval()
    decoder = DECODER_REGISTRY.build(f"smp_{name}", own.encoder.out_channels[: own.encoder._depth + 1]).eval()
    decoder._smp_decoder.load_state_dict(own.decoder.state_dict())
    image = torch.randn(1, 4, 128, 128)
    if name == "PAN":  # a pyramid of poolings needs a larger image
        image = torch.randn(1, 4, 256, 256)
    with torch.no_grad():
        given = own.encoder(image)
        output = decoder(given)
        assert torch.equal(output, own.decoder(list(given)))
    assert decoder.out_channels == output.shape[1] == own.segmentation_head[0].in_channels


@pytest.mark.parametrize("name", [name for name in DECODER_REGISTRY["smp"] if name not in ("DPT", "PAN")])
def test_it_builds_on_any_channels_with_its_defaults(name):
    decoder = DECODER_REGISTRY.build(f"smp_{name}", CHANNELS)
    given = features()
    untouched = [feature.clone() for feature in given]
    output = decoder(given)
    assert output.shape[:2] == (2, decoder.out_channels)
    assert all(torch.equal(a, b) for a, b in zip(given, untouched, strict=True))


def test_dpt_takes_features_of_one_stride():
    decoder = DECODER_REGISTRY.build(
        "smp_DPT", [32, 32, 32, 32], decoder_intermediate_channels=[8, 16, 32, 32], decoder_fusion_channels=24
    )
    output = decoder(features([32] * 4, [4] * 4))
    assert tuple(output.shape) == (2, 24, 32, 32)
    assert decoder.requirement.levels == 4


@pytest.mark.parametrize("name", ["FPN", "Linknet", "MAnet", "UnetPlusPlus"])
def test_grids_that_do_not_halve_exactly(name):
    decoder = DECODER_REGISTRY.build(f"smp_{name}", CHANNELS)
    with pytest.raises(
        ShapeError, match=f"smp_{name} takes grids that halve exactly, but is given 50x50, 25x25, 13x13"
    ):
        decoder(features(sizes=[50, 25, 13, 7, 4]))


def test_dpt_takes_even_grids():
    decoder = DECODER_REGISTRY.build("smp_DPT", [32] * 4, decoder_intermediate_channels=[8] * 4)
    with pytest.raises(ShapeError, match="smp_DPT takes even grids, but is given 7x7"):
        decoder(features([32] * 4, [7] * 4))


def test_unet_takes_any_grids():
    output = DECODER_REGISTRY.build("smp_Unet", CHANNELS)(features(sizes=[50, 25, 13, 7, 4]))
    assert tuple(output.shape[-2:]) == (50, 50)


def test_concatenated_fpn_is_wider():
    assert DECODER_REGISTRY.build("smp_FPN", CHANNELS, decoder_merge_policy="cat").out_channels == 4 * 128


def test_requirements():
    assert DECODER_REGISTRY.build("smp_PSPNet", CHANNELS).requirement.pyramid is Pyramid.NONE
    assert DECODER_REGISTRY.build("smp_MAnet", CHANNELS).requirement.pyramid is Pyramid.REQUIRED


def test_channels_for_another_number_of_features():
    with pytest.raises(ArgumentError, match="4 blocks over 5 features, but decoder_channels has 3 numbers"):
        DECODER_REGISTRY.build("smp_Unet", CHANNELS, decoder_channels=[32, 16, 8])


def test_too_few_features():
    with pytest.raises(CompositionError, match="smp_FPN takes at least 4 features, but is given 2"):
        DECODER_REGISTRY.build("smp_FPN", [16, 32])


@pytest.mark.parametrize(
    ("argument", "hint"), [("decoder_chanels", "did you mean 'decoder_channels'"), ("classes", "It takes: decoder")]
)
def test_arguments_that_do_not_belong(argument, hint):
    with pytest.raises(ArgumentError, match=hint):
        DECODER_REGISTRY.build("smp_Unet", CHANNELS, **{argument: 1})


def test_smps_own_table_of_encoders_stays_as_it_is():
    from segmentation_models_pytorch.encoders import encoders

    before = set(encoders)
    DECODER_REGISTRY.build("smp_Unet", CHANNELS)
    assert set(encoders) == before
