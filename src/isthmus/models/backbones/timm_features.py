"""Any model of timm as an encoder.

timm (Wightman, https://github.com/huggingface/pytorch-image-models) takes its models apart into feature extractors
itself. Isthmus uses those as they are, so that the names in a state dict stay timm's, and publishes what they give.
"""

from collections.abc import Sequence
from typing import Any

from torch import nn

from isthmus.errors import ArgumentError, CompositionError, UnknownNameError, WeightsError, did_you_mean
from isthmus.models.layers.arguments import pair
from isthmus.registry.sources.timm import TimmModels, model_arguments
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import InputSpec


def timm_features(
    name: str,
    pretrained: bool = False,
    in_chans: int = 3,
    out_indices: int | Sequence[int] | None = None,
    features_only: bool = True,
    **kwargs: Any,
) -> nn.Module:
    """Build a model of timm that gives the features of its stages as grids, the finest first.

    The grids are `(B, C, H, W)`, or `(B, H, W, C)` for the models that timm builds that way (Swin, for one); the
    `feature_specs` of the encoder say which.

    Vision transformers and Swin transformers are built for any image size where timm can do that.

    Args:
        name: timm's name, with or without the tag of the weights (`convnext_atto`, `convnext_atto.d2_in1k`).
        pretrained: load the weights from the Hub; the first layer is adapted to `in_chans` as timm does it.
        in_chans: the number of bands.
        out_indices: which stages to give, or how many of the last; None for those that timm gives by itself.
        features_only: always true; an encoder gives features.
        kwargs: arguments of timm's model.

    Raises:
        UnknownNameError: timm has no such model.
        CompositionError: timm cannot take this model apart into features.
        WeightsError: the weights cannot be had.
    """
    import timm

    if not timm.is_model(name):
        known = timm.list_models()
        raise UnknownNameError(f"timm has no model {name!r}{did_you_mean(name.partition('.')[0], known) or '.'}")
    if not features_only:
        raise ArgumentError("features_only=False makes a classifier; an encoder must give features")
    arguments = _for_any_image_size(name, kwargs)
    if out_indices is not None:
        arguments["out_indices"] = out_indices if isinstance(out_indices, int) else tuple(out_indices)
    encoder = _create(name, pretrained, features_only=True, in_chans=in_chans, **arguments)
    _publish(encoder, in_chans, arguments)
    return encoder


def _for_any_image_size(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Ask for a model that takes any image size, where its class can and the user did not say otherwise."""
    arguments = model_arguments(TimmModels().entry(name).facts["family"])
    is_fixed = any(
        argument.name == "dynamic_img_size" and argument.default == "False" for argument in arguments.parameters
    )
    if is_fixed and not {"dynamic_img_size", "strict_img_size"} & given.keys():
        return {"dynamic_img_size": True, **given}
    return dict(given)


def _create(name: str, pretrained: bool, **arguments: Any) -> nn.Module:
    import timm

    try:
        encoder: nn.Module = timm.create_model(name, pretrained=pretrained, **arguments)
    except OSError as error:
        if not pretrained:
            raise
        raise WeightsError(f"the weights of timm's {name!r} cannot be had: {_expected(name)}. {error}") from error
    except RuntimeError as error:
        if "No pretrained weights exist" in str(error) or "Invalid pretrained tag" in str(error):
            tags = ", ".join(timm.list_pretrained(f"{name.partition('.')[0]}*")) or "none"
            raise WeightsError(f"timm has no weights for {name!r}; with weights it has: {tags}") from error
        if "features_only" in str(error):
            raise CompositionError(f"timm cannot take {name!r} apart into features: {error}") from error
        raise
    return encoder


def _expected(name: str) -> str:
    import timm

    config = timm.get_pretrained_cfg(name)
    if config is not None and config.hf_hub_id:
        return (
            f"they are expected at {config.hf_hub_id} on the Hugging Face Hub or, once downloaded, in its cache "
            "(HF_HOME); pretrained_cfg_overlay={'file': PATH} takes them from a file"
        )
    return f"they are expected at {config.url if config is not None else 'an address that timm does not tell'}"


def _publish(encoder: Any, in_chans: int, arguments: dict[str, Any]) -> None:
    """Say on the extractor itself what it gives, so that no wrapper changes the names in its state dict."""
    layout = Layout.GRID_LAST if str(getattr(encoder, "output_fmt", "NCHW")).endswith("NHWC") else Layout.GRID
    info = encoder.feature_info
    encoder.out_channels = list(info.channels())
    encoder.feature_specs = [
        FeatureSpec(count, layout, (float(reduction), float(reduction)))
        for count, reduction in zip(info.channels(), info.reduction(), strict=True)
    ]
    patch, size = _patch_size(encoder), None
    if encoder.pretrained_cfg.get("fixed_input_size") and not arguments.get("dynamic_img_size"):
        size = pair(arguments.get("img_size", encoder.pretrained_cfg["input_size"][1:]), "img_size")
    multiple = None if patch is None else (1, *patch)
    encoder.input_spec = InputSpec.of_image(in_chans, image_size=size, multiple=multiple)
    encoder.in_channels = in_chans
    if patch is not None:
        encoder.patch_size = patch
    if size is not None:
        encoder.image_size = size


def _patch_size(encoder: nn.Module) -> tuple[int, int] | None:
    """The patches of a transformer, of which an image must hold a whole number."""
    sizes = (getattr(part, "patch_size", None) for part in encoder.modules())
    size = next((size for size in sizes if isinstance(size, int | list | tuple)), None)
    return None if size is None else pair(size, "patch_size")
