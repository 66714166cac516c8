"""Reading the tensors of a checkpoint file, without ever running code from it."""

import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isthmus.errors import WeightsError

WRAPPERS = ("state_dict", "model", "model_state_dict")

_MAPPED_AT_ONCE = 64 * 2**20  # bytes of a file that count towards the memory of the process at any time


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a checkpoint onto the CPU.

    A `.safetensors` file is read as such, any other as a PyTorch checkpoint, of which only tensors and plain data are
    accepted (`weights_only`). Where the tensors are inside an entry `state_dict` or `model`, that is what is returned.

    The tensors are in memory of their own, not in a mapped file, which whoever overwrites the file would change or
    crash. Reading takes little more memory than they do.

    Raises:
        WeightsError: the file is not there, damaged, of another kind, wants to run code or holds no tensors.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise WeightsError(f"{path} {kind}: a file of weights (.safetensors, .pt, .pth, .ckpt) was expected")
    held = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    for wrapper in WRAPPERS:
        if isinstance(held, dict) and isinstance(held.get(wrapper), dict):
            held = held[wrapper]
    table = held if isinstance(held, dict) else {}
    entries = {str(key): value for key, value in table.items() if isinstance(value, Tensor)}
    if not entries:
        raise WeightsError(f"{path} holds no table of tensors, but {_describe(held)}")
    empty = [key for key, value in entries.items() if value.is_meta or value.layout != torch.strided]
    if empty:
        raise WeightsError(f"{path}: {empty[0]!r} is sparse or was saved without its values: plain tensors are read")
    return entries


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        before = _version(path)
        with safe_open(path, framework="pt") as file:
            names = list(file.offset_keys())
        entries: dict[str, Tensor] = {}
        while len(entries) < len(names):
            mapped = 0
            with safe_open(path, framework="pt") as file:
                while len(entries) < len(names) and mapped < _MAPPED_AT_ONCE:
                    name = names[len(entries)]
                    entries[name] = file.get_tensor(name).clone()
                    mapped += entries[name].nbytes
        if _version(path) != before:
            raise WeightsError(f"{path} was overwritten while it was read: read it again")
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is damaged or no safetensors file: {error}") from error
    return entries


def _version(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():  # how a file was pickled and is checked is no news to its reader
            warnings.filterwarnings("ignore", "Detected pickle protocol|Validating sparse tensor")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        named = f": {asked[1]}" if asked else ""
        raise WeightsError(
            f"{path} is damaged, or holds more than tensors and plain data{named}. Only those are read, because "
            "anything else could run code; save the state dict alone, best as .safetensors"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise WeightsError(f"{path} is damaged or no PyTorch checkpoint: {_first_line(error)}") from error


def _describe(held: Any) -> str:
    if isinstance(held, dict):
        keys = ", ".join(repr(key) for key in list(held)[:5])
        return f"a dict with the keys {keys}" if keys else "an empty dict"
    return f"an object of type {type(held).__name__}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
