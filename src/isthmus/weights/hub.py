"""Where the weights of a backbone are published, and what is known about them."""

from dataclasses import dataclass

from isthmus.errors import WeightsError
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """A file in a repository of the Hub.

    Attributes:
        repo: owner and name of the repository.
        file: the name of the file in it.
        revision: the commit; None for the newest.
        sha256: of the content, as 64 hexadecimal digits; None where it is not known.
        sha256_prefix: the digits that it begins with, as names of files in the manner of `torch.hub` end in. Not every
            publisher says which hash that is, so it counts only where the Hub itself announces none.
    """

    repo: str
    file: str
    revision: str | None = None
    sha256: str | None = None
    sha256_prefix: str | None = None

    def __str__(self) -> str:
        return f"{self.repo}/{self.file}" + (f"@{self.revision}" if self.revision else "")


def published_weights(backbone: str) -> PublishedWeights:
    """The published weights of one of the backbones of Isthmus, from its facts.

    Raises:
        UnknownNameError: there is no such backbone.
        WeightsError: nothing is published for it.
    """
    facts = ISTHMUS_BACKBONE_REGISTRY.entry(backbone).facts
    if "weights" in facts and "file" not in facts:
        raise WeightsError(
            f"the weights of the backbone {backbone!r} are published in {facts['weights']}, in a file whose name is "
            "not known here; download it from there, and give it as ckpt_path"
        )
    if "weights" not in facts or "file" not in facts:
        raise WeightsError(
            f"no weights are published for the backbone {backbone!r}; leave pretrained out, or give a file as ckpt_path"
        )
    known = {name: facts.get(name) for name in ("revision", "sha256", "sha256_prefix")}
    return PublishedWeights(facts["weights"], facts["file"], **known)


def bands_of(backbone: str) -> list[str] | None:
    """The bands that the published weights of a backbone were made for; None where its facts do not say."""
    return ISTHMUS_BACKBONE_REGISTRY.entry(backbone).facts.get("bands")
