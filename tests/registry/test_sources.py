"""The names of timm, smp and mmseg, read from their sources."""

import subprocess
import sys

import pytest

from isthmus.errors import MissingExtraError, UnknownNameError
from isthmus.registry import BACKBONE_REGISTRY, DECODER_REGISTRY
from isthmus.registry.sources import mmseg as mmseg_source
from isthmus.registry.sources import mmseg_decoders, smp_decoders, timm_backbones
from isthmus.registry.sources.timm import former_names

LIST_EVERYTHING = """
import sys
from isthmus.registry import BACKBONE_REGISTRY, DECODER_REGISTRY
names = [*BACKBONE_REGISTRY, *DECODER_REGISTRY]
assert len(names) > 1400, len(names)
for name in ("timm_resnet18", "timm_efficientnet_b0", "smp_resnet34"):
    assert BACKBONE_REGISTRY.entry(name).signature().names
for name in ("smp_Unet", "mmseg_FCNHead"):
    assert DECODER_REGISTRY.entry(name).signature().names
heavy = {"torch", "timm", "segmentation_models_pytorch", "mmseg", "mmcv", "numpy"} & set(sys.modules)
assert not heavy, heavy
"""


def test_names_and_arguments_cost_no_import():
    subprocess.run([sys.executable, "-c", LIST_EVERYTHING], check=True, timeout=60)


@pytest.mark.slow
def test_timm_names_are_those_of_timm():
    import timm

    assert set(BACKBONE_REGISTRY["timm"]) == set(timm.list_models())
    assert all(timm.is_model(name) for name in former_names())


@pytest.mark.slow
def test_smp_names_are_those_of_smp():
    import segmentation_models_pytorch as smp

    assert set(BACKBONE_REGISTRY["smp"]) == {name for name in smp.encoders.encoders if not name.startswith("timm-")}
    assert {name.lower() for name in DECODER_REGISTRY["smp"]} == set(smp.MODEL_ARCHITECTURES_MAPPING)


def test_weight_tags_and_former_names_of_timm():
    timm = timm_backbones()
    assert "resnet18.a1_in1k" in timm
    assert timm.entry("resnet18.a1_in1k").preset == {"name": "resnet18.a1_in1k"}
    assert "tf_efficientnet_b0_ap" in timm
    assert "tf_efficientnet_b0_ap" not in set(timm)
    assert "nothing.a1_in1k" not in timm
    with pytest.raises(UnknownNameError, match="did you mean 'resnet18'"):
        timm.entry("resnet_18")


@pytest.mark.parametrize(
    ("name", "misspelt", "meant"),
    [
        ("timm_resnet18", "pretrianed", "pretrained"),
        ("timm_resnet18", "drop_path_rat", "drop_path_rate"),
        ("timm_vit_small_patch16_224", "img_sise", "img_size"),
        ("timm_deit_tiny_patch16_224", "dynamic_image_size", "dynamic_img_size"),
        ("smp_resnet34", "in_channels", "in_chans"),
    ],
)
def test_misspelt_arguments_of_backbones(name, misspelt, meant):
    faults = BACKBONE_REGISTRY.entry(name).signature().faults([misspelt], name, "backbone_")
    assert len(faults) == 1
    assert f"'backbone_{meant}'" in faults[0][1]


@pytest.mark.parametrize(
    ("name", "given", "wrong"),
    [
        ("smp_Unet", ["decoder_channels", "decoder_attention_type"], []),
        ("smp_Unet", ["decoder_chanels"], ["decoder_chanels"]),
        ("smp_Unet", ["encoder_name", "classes"], ["encoder_name", "classes"]),
        ("smp_PSPNet", ["psp_out_channels", "upsampling"], ["upsampling"]),
        ("smp_DeepLabV3Plus", ["encoder_output_stride"], []),
        ("smp_PAN", ["encoder_output_stride"], ["encoder_output_stride"]),
        ("mmseg_UPerHead", ["channels", "num_classes", "pool_scales", "norm_cfg"], []),
        ("mmseg_UPerHead", ["channels", "num_classes", "input_transform"], ["input_transform"]),
        ("mmseg_FCNHead", ["channels", "num_convs", "kernel"], ["kernel", "num_classes"]),
    ],
)
def test_arguments_of_decoders(name, given, wrong):
    faults = DECODER_REGISTRY.entry(name).signature().faults(["channel_list", *given], name)
    assert [argument for argument, _ in faults] == wrong


def test_known_arguments_of_timm_models_are_all_accepted():
    given = ["pretrained", "in_chans", "out_indices", "features_only", "pretrained_cfg_overlay", "drop_path_rate"]
    for name in ("resnet18", "swin_tiny_patch4_window7_224", "convnext_atto", "efficientnet_b0", "regnety_004"):
        assert BACKBONE_REGISTRY.entry(f"timm_{name}").signature().faults(given, name) == []


def test_facts():
    assert BACKBONE_REGISTRY.entry("timm_resnet18").facts == {"family": "resnet", "source": "timm"}
    assert BACKBONE_REGISTRY.entry("smp_mit_b0").facts["family"] == "mix_transformer"
    assert DECODER_REGISTRY.includes_head("mmseg_FCNHead")
    assert not DECODER_REGISTRY.includes_head("smp_Unet")


@pytest.mark.parametrize("name", sorted(mmseg_source.NOT_DECODERS))
def test_heads_that_cannot_stand_alone_say_why(name):
    assert name not in DECODER_REGISTRY
    with pytest.raises(UnknownNameError, match="cannot be a decoder: it"):
        DECODER_REGISTRY.entry(f"mmseg_{name}")


def test_without_mmsegmentation(monkeypatch):
    monkeypatch.setattr(mmseg_source, "package_folder", lambda package: None)
    heads = mmseg_decoders()
    assert len(heads) == 0
    assert "FCNHead" not in heads
    with pytest.raises(MissingExtraError, match=r"pip install 'isthmus\[mmseg\]'"):
        heads.build("FCNHead", [8])


def test_a_decoder_that_smp_lacks():
    with pytest.raises(UnknownNameError, match="did you mean 'FPN'"):
        smp_decoders().build("FPNN", [8])
