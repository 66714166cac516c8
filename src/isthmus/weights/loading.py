"""Loading the entries of a checkpoint into a module: all of it or nothing, with a report."""

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from isthmus.errors import WeightsError
from isthmus.weights.report import WeightsReport


def load_weights(
    module: nn.Module,
    entries: Mapping[str, Tensor],
    source: str,
    *,
    computed: Collection[str] = (),
    added: Sequence[str] = (),
    adapted: Mapping[str, str] | None = None,
    ignored: Sequence[str] = (),
    allow_missing: bool = False,
    assign: bool = False,
) -> WeightsReport:
    """Copy entries into the parameters and buffers of a module, after checking every one of them.

    Args:
        module: what to load into; it is left as it is where an error is raised.
        entries: tensors under the names of the module. Those that it does not have are ignored and reported.
        source: the file, for errors and for the report.
        computed: buffers that the module computes and that are never loaded.
        added: what the names of parameters begin with that may be missing: they stay as they are.
        adapted: which of `entries` are no longer as they were in the file, and what was done to them.
        ignored: entries that were left out before, for the report.
        allow_missing: leave parameters without an entry as they are.
        assign: put the entries in the place of the parameters, in their data type, instead of copying them. The module
            and `entries` then share memory.

    Raises:
        WeightsError: a parameter without an entry, an entry of another shape, or one with NaN or infinite values.
    """
    adapted = adapted or {}
    own = {key: tensor for key, tensor in module.state_dict().items() if key not in computed}
    fitting = {key: tensor for key, tensor in entries.items() if key in own}
    without = [key for key, _ in module.named_parameters() if key not in fitting]
    missing = tuple(key for key in without if not key.startswith((*added,)))
    if missing and not allow_missing:
        raise WeightsError(f"{source} lacks {_some(missing)}; set allow_missing_weights to leave them at random")
    other_shape = [
        f"{key} {tuple(tensor.shape)}, not {tuple(own[key].shape)}"
        for key, tensor in fitting.items()
        if tensor.shape != own[key].shape
    ]
    if other_shape:
        raise WeightsError(f"{source} was made for a model of other sizes: {_some(other_shape)}")
    other_kind = [f"{key} {tensor.dtype}" for key, tensor in fitting.items() if _kind(tensor) != _kind(own[key])]
    if other_kind:
        raise WeightsError(f"{source} holds numbers of another kind than the model: {_some(other_kind)}")
    check_finite(fitting, source)
    if assign:
        fitting = _in_place_of(own, fitting)
    module.load_state_dict(fitting, strict=False, assign=assign)
    return WeightsReport(
        source=source,
        loaded=tuple(key for key in fitting if key not in adapted),
        adapted=dict(adapted),
        random=missing,
        added=tuple(key for key in without if key not in missing),
        ignored=(*ignored, *(key for key in entries if key not in own)),
    )


def check_finite(entries: Mapping[str, Tensor], source: str) -> None:
    """Make sure that entries hold numbers only.

    Raises:
        WeightsError: some are NaN or infinite.
    """
    broken = [key for key, tensor in entries.items() if not _all_finite(tensor)]
    if broken:
        raise WeightsError(f"{source} holds NaN or infinite values in {_some(broken)}")


def _kind(tensor: Tensor) -> tuple[bool, bool]:
    return tensor.is_floating_point(), tensor.is_complex()


def _all_finite(tensor: Tensor) -> bool:
    if tensor.is_floating_point() and tensor.dtype.itemsize == 1:
        tensor = tensor.float()
    # Anything that is not finite makes the sum so, and a sum takes a fraction of the time and no memory.
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


def _in_place_of(own: Mapping[str, Tensor], entries: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Entries as the tensors of a module: of their type and on their device, each in memory of its own."""
    placed: dict[str, Tensor] = {}
    taken = set()
    for key, tensor in entries.items():
        device = torch.get_default_device() if own[key].is_meta else own[key].device
        put = tensor.to(device, own[key].dtype).contiguous()
        storage = put.untyped_storage()
        if storage.nbytes() != put.nbytes or storage.data_ptr() in taken:
            put = put.clone()
        taken.add(put.untyped_storage().data_ptr())
        placed[key] = put
    return placed


def _some(names: Sequence[str], shown: int = 3) -> str:
    listed = ", ".join(names[:shown])
    return f"{listed} and {len(names) - shown} more" if len(names) > shown else listed
