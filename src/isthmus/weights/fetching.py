"""Downloading published weights from the Hugging Face Hub, and holding them to what is known about them."""

import hashlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from isthmus.errors import WeightsError
from isthmus.weights.hub import PublishedWeights
from isthmus.weights.records import DownloadRecord, read_record, record_path, write_record

logger = logging.getLogger(__name__)

_SHA256 = re.compile("[0-9a-f]{64}")


def fetch(weights: PublishedWeights) -> Path:
    """The local path of published weights, downloaded into the cache of the Hub where they are not there yet.

    A revision and a SHA-256 that `weights` names are held to. Where it names none, the commit and the SHA-256 of the
    first download are recorded in the folder `.isthmus` of the cache and held to from then on. A file that was
    verified once is not read again for that until it changes, and needs no network.

    Raises:
        WeightsError: they are not in the cache and cannot be downloaded, or are not what they should be; such a file
            is removed from the cache.
    """
    from huggingface_hub import constants

    kept = record_path(constants.HF_HUB_CACHE, weights.repo, weights.file, weights.revision)
    record = read_record(kept)
    path = _download(weights, weights.revision or (record.revision if record else None), kept)
    try:
        if record is None or weights.sha256 not in (None, record.sha256) or not record.describes(path):
            _remember(_verified(weights, path, record, kept), kept)
    except OSError as error:
        raise WeightsError(f"{weights} cannot be read from the cache ({path}): {_first_line(error)}") from error
    return path


def _verified(weights: PublishedWeights, path: Path, record: DownloadRecord | None, kept: Path) -> DownloadRecord:
    """Read a file and hold it to everything that is known about it."""
    status = path.stat()
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    for expected, reason in _expectations(weights, path, record, kept):
        if not found.startswith(expected):
            _remove(path)
            raise WeightsError(
                f"{weights} has the wrong content: its SHA-256 is {found}, but {expected} was expected, {reason}. "
                f"It was removed from the cache ({path}); the next try downloads it anew"
            )
    commit = path.parents[weights.file.count("/")].name
    return DownloadRecord(commit, found, status.st_size, status.st_mtime_ns)


def _expectations(
    weights: PublishedWeights, path: Path, record: DownloadRecord | None, kept: Path
) -> Iterator[tuple[str, str]]:
    """The SHA-256 that a file should have, or the beginning of it, and who says so."""
    if weights.sha256 is not None:
        yield weights.sha256, "which is known of it"
    if record is not None:
        yield record.sha256, f"which was recorded at the first download in {kept}"
    if path.is_symlink() and _SHA256.fullmatch(path.readlink().name):  # the cache calls large files by their hash
        yield path.readlink().name, "as the Hub says"
    elif weights.sha256_prefix is not None:
        yield weights.sha256_prefix, "as its name says"


def _remove(path: Path) -> None:
    """Remove a file from the cache: its name in the snapshot, and the content that this name leads to."""
    target: Path | None = path
    while target is not None:
        leads_to = target.parent / target.readlink() if target.is_symlink() else None
        target.unlink(missing_ok=True)
        target = leads_to


def _remember(record: DownloadRecord, kept: Path) -> None:
    try:
        write_record(kept, record)
    except OSError as error:  # a cache that several users share may be closed to writing
        logger.info("%s cannot be written (%s): the weights are verified at every start", kept, error)


def _download(weights: PublishedWeights, revision: str | None, kept: Path) -> Path:
    from huggingface_hub import errors, hf_hub_download

    try:
        return Path(hf_hub_download(weights.repo, weights.file, revision=revision))
    except errors.GatedRepoError as error:
        raise WeightsError(
            f"{weights} is only given to those who accept its terms, on {_page(weights)}: do that, then log in with "
            "`hf auth login` or set HF_TOKEN"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise WeightsError(
            f"the Hub has no repository {weights.repo!r}, or it is private: {_page(weights)}. Where it is private, log "
            "in with `hf auth login` or set HF_TOKEN"
        ) from error
    except errors.RevisionNotFoundError as error:
        recorded = "" if weights.revision else f". It was recorded in {kept}; delete that to take the newest"
        raise WeightsError(f"the repository {weights.repo!r} has no revision {revision!r}{recorded}") from error
    except errors.LocalEntryNotFoundError as error:
        raise _out_of_reach(weights, revision, error) from error
    except errors.EntryNotFoundError as error:
        raise WeightsError(
            f"the repository {weights.repo!r} has no file {weights.file!r} at the revision {revision or 'main'!r}: "
            f"{_page(weights)}"
        ) from error
    except errors.HfHubHTTPError as error:
        if error.response.status_code not in (401, 403):
            raise _out_of_reach(weights, revision, error) from error
        raise WeightsError(
            f"the Hub does not let this login see {weights}: {error.response.status_code} at {_page(weights)}. Log in "
            "anew with `hf auth login`, or correct HF_TOKEN"
        ) from error
    except (OSError, ValueError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise _out_of_reach(weights, revision, error) from error


def _out_of_reach(weights: PublishedWeights, revision: str | None, error: Exception) -> WeightsError:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{weights.repo.replace('/', '--')}"
    expected = folder / "snapshots" / (revision or "*") / weights.file
    return WeightsError(
        f"{weights} is not in the cache, where {expected} was expected, and could not be downloaded: "
        f"{_first_line(error.__cause__ or error)}. Without access to the Hub, give a local copy as ckpt_path: the "
        f"file, or a folder with {Path(weights.file).name} in it"
    )


def _page(weights: PublishedWeights) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{weights.repo}"


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
