"""Published weights: where they are, and fetching them from the Hugging Face Hub."""

from dataclasses import dataclass
from pathlib import Path

from isthmus.errors import WeightsError
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """A file in a repository of the Hub.

    Attributes:
        repo: owner and name of the repository.
        file: the name of the file in it.
        revision: the commit; None for the newest.
    """

    repo: str
    file: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{self.repo}/{self.file}" + (f"@{self.revision}" if self.revision else "")


def published_weights(backbone: str) -> PublishedWeights:
    """The published weights of one of the backbones of Isthmus, from its facts.

    Raises:
        UnknownNameError: there is no such backbone.
        WeightsError: nothing is published for it.
    """
    facts = ISTHMUS_BACKBONE_REGISTRY.entry(backbone).facts
    if "source" not in facts or "file" not in facts:
        raise WeightsError(
            f"no weights are published for the backbone {backbone!r}; leave pretrained out, or give a file as ckpt_path"
        )
    return PublishedWeights(facts["source"], facts["file"], facts.get("revision"))


def bands_of(backbone: str) -> list[str] | None:
    """The bands that the published weights of a backbone were made for; None where its facts do not say."""
    return ISTHMUS_BACKBONE_REGISTRY.entry(backbone).facts.get("bands")


def locate(backbone: str, ckpt_path: str | Path | None) -> tuple[Path, str]:
    """The file with the weights of a backbone, and what to call it in messages.

    Args:
        backbone: the name of the backbone.
        ckpt_path: a file, or a folder that holds the file under its published name. None: the published weights.

    Raises:
        WeightsError: nothing is published, it cannot be had, or the folder does not hold it.
    """
    if ckpt_path is None:
        published = published_weights(backbone)
        return fetch(published), str(published)
    path = Path(ckpt_path)
    if path.is_dir():
        path /= published_weights(backbone).file
    return path, str(path)


def fetch(weights: PublishedWeights) -> Path:
    """The local path of published weights, downloaded into the cache of the Hub where they are not there yet.

    Raises:
        WeightsError: they are not in the cache and cannot be downloaded.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return Path(hf_hub_download(weights.repo, weights.file, revision=weights.revision))
    except (OSError, ValueError, EntryNotFoundError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        folder = Path(constants.HF_HUB_CACHE) / f"models--{weights.repo.replace('/', '--')}"
        raise WeightsError(
            f"{weights} is not in the cache ({folder}) and could not be downloaded: {reason} "
            "Without access to the Hub, give a local copy of the file as ckpt_path"
        ) from error
