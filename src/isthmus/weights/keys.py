"""Finding one part of a model in a checkpoint."""

from collections.abc import Mapping

from torch import Tensor

from isthmus.errors import WeightsError

INSIGNIFICANT = ("_timm_module.", "_orig_mod.")


def part_with(anchor: str, checkpoint: Mapping[str, Tensor], source: str) -> tuple[dict[str, Tensor], list[str]]:
    """Take the entries of one part out of a checkpoint, under the names that the part itself uses.

    A published file may hold the part alone or inside a larger model, under `encoder.`, `model.encoder.`, `module.` or
    no prefix at all. The part is where the `anchor` is: what stands before that name is its prefix.

    Args:
        anchor: the name, within the part, of an entry that only this part has.
        checkpoint: the entries of the file. `_timm_module.` and `_orig_mod.` in their names do not count.
        source: the file, for errors.

    Returns:
        The entries of the part, and the names in the checkpoint of all the others.

    Raises:
        WeightsError: no entry ends in `anchor`, or several do.
    """
    plain = {_plain(key): key for key in checkpoint}
    prefixes = [key.removesuffix(anchor) for key in plain if key == anchor or key.endswith("." + anchor)]
    if len(prefixes) != 1:
        shown = ", ".join(list(checkpoint)[:3])
        found = " and ".join(prefix + anchor for prefix in prefixes) or "none"
        raise WeightsError(
            f"{source}: exactly one entry that ends in {anchor!r} was expected, but there is {found}. "
            f"The file begins with: {shown}"
        )
    prefix = prefixes[0]
    inside = {key: original for key, original in plain.items() if key.startswith(prefix)}
    entries = {key.removeprefix(prefix): checkpoint[original] for key, original in inside.items()}
    return entries, [original for key, original in plain.items() if key not in inside]


def renamed(entries: Mapping[str, Tensor], renames: Mapping[str, str | None]) -> tuple[dict[str, Tensor], list[str]]:
    """Give entries the names that they have in the encoder.

    Args:
        entries: the entries by their published names.
        renames: what names begin with and what is put in its place; None leaves the entry out. The longest one counts.

    Returns:
        The entries, and the names of those that were left out.
    """
    kept: dict[str, Tensor] = {}
    left_out = []
    for key, tensor in entries.items():
        start = max((start for start in renames if key.startswith(start)), key=len, default="")
        put = renames.get(start, "")
        if put is None:
            left_out.append(key)
        else:
            kept[put + key.removeprefix(start)] = tensor
    return kept, left_out


def _plain(key: str) -> str:
    for name in INSIGNIFICANT:
        key = key.replace(name, "")
    return key
