"""smp's encoders as encoders here."""

import math

import pytest
import torch

from isthmus.errors import ArgumentError, UnknownNameError, WeightsError
from isthmus.registry import BACKBONE_REGISTRY


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "efficientnet-b0", "vgg11", "mit_b0", "mobileone_s0"])
def test_features_are_as_published(name):
    encoder = BACKBONE_REGISTRY.build(f"smp_{name}", in_chans=4).eval()
    with torch.no_grad():
        features = encoder(torch.zeros(1, 4, 64, 96))
    assert encoder.in_channels == 4
    assert encoder.out_channels == [spec.channels for spec in encoder.feature_specs]
    assert [tuple(feature.shape) for feature in features] == [
        (1, spec.channels, math.ceil(64 / spec.stride[0]), math.ceil(96 / spec.stride[1]))
        for spec in encoder.feature_specs
    ]


def test_the_image_is_a_feature_only_where_it_is_asked_for():
    plain = BACKBONE_REGISTRY.build("smp_resnet18", in_chans=4)
    assert [spec.stride[0] for spec in plain.feature_specs] == [2, 4, 8, 16, 32]
    whole = BACKBONE_REGISTRY.build("smp_resnet18", in_chans=4, out_indices=[0, 1, -1])
    assert whole.out_channels == [4, 64, 512]
    image = torch.randn(1, 4, 64, 64)
    assert whole(image)[0] is image


def test_dilation():
    encoder = BACKBONE_REGISTRY.build("smp_resnet18", output_stride=8)
    assert [spec.stride[0] for spec in encoder.feature_specs] == [2, 4, 8, 8, 8]
    assert tuple(encoder(torch.zeros(2, 3, 64, 64))[-1].shape) == (2, 512, 8, 8)


def test_an_index_that_is_not_there():
    with pytest.raises(ArgumentError, match=r"\[6\] are not among the 6 features"):
        BACKBONE_REGISTRY.build("smp_resnet18", out_indices=[1, 6])


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="did you mean 'resnet18'"):
        BACKBONE_REGISTRY.build("smp_resnet_18")


def test_weights_that_smp_does_not_have():
    with pytest.raises(ArgumentError, match=r"no weights 'imagnet' for 'resnet18'; it has: imagenet, ssl, swsl"):
        BACKBONE_REGISTRY.build("smp_resnet18", pretrained="imagnet")


def test_weights_without_network_or_cache(monkeypatch, tmp_path):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=r"expected at smp-hub/resnet18\.imagenet"):
        BACKBONE_REGISTRY.build("smp_resnet18", pretrained=True)
