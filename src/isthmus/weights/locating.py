"""Which file the weights of a backbone are read from."""

from pathlib import Path

from isthmus.errors import WeightsError
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.weights.fetching import fetch
from isthmus.weights.hub import published_weights

ENDINGS = (".safetensors", ".pt", ".pth", ".ckpt")


def locate(backbone: str, ckpt_path: str | Path | None) -> tuple[Path, str]:
    """The file with the weights of a backbone, and what to call it in messages.

    Args:
        backbone: the name of the backbone.
        ckpt_path: a file, or a folder. In a folder it is the file with the published name, else the one with that name
            and the ending `.safetensors`, else the only file of weights that there is. None: the published weights.

    Raises:
        WeightsError: nothing is published, it cannot be had, or the folder does not hold it.
    """
    if ckpt_path is None:
        published = published_weights(backbone)
        return fetch(published), str(published)
    path = Path(ckpt_path).expanduser()
    if path.is_dir():
        path = _in_folder(path, ISTHMUS_BACKBONE_REGISTRY.entry(backbone).facts.get("file"))
    return path, str(path)


def _in_folder(folder: Path, published: str | None) -> Path:
    wanted = [] if published is None else [folder / published, folder / Path(published).name]
    wanted += [path.with_suffix(".safetensors") for path in wanted]
    for path in wanted:
        if path.is_file():
            return path
    found = sorted(path for path in folder.iterdir() if path.suffix in ENDINGS and path.is_file())
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found) or f"no file that ends in {', '.join(ENDINGS)}"
    expected = "one file of weights" if published is None else f"{Path(published).name} or one file of weights alone"
    raise WeightsError(f"the folder {folder} holds {names}: {expected} was expected; give the path of a file instead")
