"""`AdaptedEncoder`: an encoder that stays as it is, with small adapters that are trained in its place."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from isthmus.errors import ArgumentError
from isthmus.models.adapters.base_weights import Samples, base_keys, differences, original_name, sample
from isthmus.models.adapters.fused_qkv import split_qkv
from isthmus.models.adapters.methods import check_keys, make_settings, require_peft
from isthmus.models.encoder_wrapper import EncoderWrapper
from isthmus.models.keywords import taken_by

DEFAULT = "default"


class AdaptedEncoder(EncoderWrapper):
    """An encoder with adapters of the package `peft`: LoRA (arXiv 2106.09685) and its relatives.

    The weights of the encoder are frozen, and its batch normalisation stays as in evaluation; the adapters are trained,
    and so is what was put into the encoder for tuning, such as prompts.
    Everything else about the encoder, `out_channels`, `feature_specs` and so on, is as before. Several adapters can be
    kept in one encoder (`load_adapter`), of which one is used at a time (`use_adapter`).

    Args:
        encoder: any encoder; it is changed.
        peft_config: `method`, the name of a method of `peft` such as LORA, IA3, VERA or OFT; `peft_config_kwargs`, the
            arguments of its configuration (or that object), of which `target_modules` says which layers get an adapter;
            and `replace_qkv`, what the linear layers for queries, keys and values are called (`qkv`), where they are to
            be taken apart into `q_linear`, `k_linear` and `v_linear` so that each can get an adapter of its own.
        base_is_published: whether the weights of the encoder can be had again from where they came, so that a
            checkpoint need not hold them.
        adapter: what the adapter is called.

    Attributes:
        replace_qkv: as given.
        base_is_published: as given, and false where the method changed the weights of the encoder.

    Raises:
        ArgumentError: an unknown key, method or argument, or a target that is no layer of the encoder.
        MissingExtraError: `peft` is not installed.
    """

    def __init__(
        self,
        encoder: nn.Module,
        peft_config: Mapping[str, Any],
        *,
        base_is_published: bool = False,
        adapter: str = DEFAULT,
    ) -> None:
        super().__init__()
        check_keys(peft_config)
        require_peft()
        self.replace_qkv: str | None = peft_config.get("replace_qkv")
        if self.replace_qkv:
            split_qkv(encoder, self.replace_qkv)
        self._original_names = frozenset(encoder.state_dict())
        before = sample(encoder.state_dict())
        self.base_model = _inject(encoder, make_settings(peft_config, encoder), adapter)
        for part in encoder.modules():
            if getattr(part, "stays_trainable", False):  # prompts, and what else was put there to be trained
                part.requires_grad_()
        self.base_is_published = base_is_published and self._has_kept(before) and not self._unpublished()

    @property
    def tuner(self) -> Any:
        """The object of `peft` that keeps the adapters."""
        return self.base_model

    @property
    def wrapped(self) -> nn.Module:
        """The encoder with the adapters in it."""
        encoder: nn.Module = self.tuner.model
        return encoder

    @property
    def peft_config(self) -> dict[str, Any]:
        """The configuration objects of `peft`, by adapter."""
        settings: dict[str, Any] = self.tuner.peft_config
        return settings

    @property
    def adapters(self) -> list[str]:
        """The names of the adapters."""
        return list(self.peft_config)

    @property
    def active_adapter(self) -> str:
        """The adapter in use."""
        names: list[str] = self.tuner.active_adapters
        return names[0]

    def base_keys(self) -> list[str]:
        """The entries of the state that belong to the encoder and stay as they are."""
        return base_keys(self, self._original_names)

    def trained_of_encoder(self) -> list[str]:
        """The parameters of the encoder itself that are trained beside the adapters, such as prompts."""
        trained = [name for name, parameter in self.named_parameters() if parameter.requires_grad]
        return [name for name in trained if original_name(name) in self._original_names]

    def _has_kept(self, before: Samples) -> bool:
        """Whether the weights of the encoder are what they were; some methods change what they begin with."""
        state = self.state_dict()
        after = sample({original_name(key): state[key] for key in self.base_keys()})
        return not differences({name: values for name, values in before.items() if name in after}, after)

    def _unpublished(self) -> list[str]:
        """Frozen parameters that no published file holds."""
        added = tuple(getattr(getattr(self.wrapped, "weights_report", None), "added", ()))
        return [key for key in self.base_keys() if key.endswith(added)] if added else []

    def forward(self, x: Any, **kwargs: Any) -> Any:
        """What the encoder gives with the adapter in use; keywords that it does not take are left out."""
        return self.base_model(x, **taken_by(self.wrapped, kwargs))

    def train(self, mode: bool = True) -> "AdaptedEncoder":
        """Switch to training; statistics of the frozen encoder stay as they are."""
        super().train(mode)
        for part in self.modules():
            if isinstance(part, _NormBase) and not any(each.requires_grad for each in part.parameters()):
                part.eval()
        return self


def adapted_encoder(model: nn.Module) -> AdaptedEncoder | None:
    """The encoder with adapters in a model or a task; None where there is none."""
    return next((part for part in model.modules() if isinstance(part, AdaptedEncoder)), None)


def _inject(encoder: nn.Module, settings: Any, adapter: str) -> nn.Module:
    from peft import get_peft_model

    with explained(settings):
        tuner: nn.Module = get_peft_model(encoder, settings, adapter_name=adapter).base_model
    return tuner


@contextmanager
def explained(settings: Any, action: str = "be put into") -> Iterator[None]:
    """Say what `peft` says against an encoder as an ArgumentError: the method cannot `action` it."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, NotImplementedError, AssertionError) as error:
        method = str(getattr(settings.peft_type, "value", settings.peft_type))
        raise ArgumentError(f"peft_config: {method} cannot {action} this encoder: {error}") from error
