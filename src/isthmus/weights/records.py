"""What was downloaded first, kept beside the cache of the Hub, so that later downloads can be held to it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from isthmus.atomic import write_text
from isthmus.errors import WeightsError


@dataclass(frozen=True, slots=True)
class DownloadRecord:
    """A file of a repository, as it was when it was verified.

    Attributes:
        revision: the commit that it belongs to.
        sha256: of its content, as 64 hexadecimal digits.
        size: in bytes.
        modified: when the local copy was last written, in nanoseconds. A copy with this size and time is the one that
            was verified, and is not read again for that.
    """

    revision: str
    sha256: str
    size: int
    modified: int

    def describes(self, path: Path) -> bool:
        """Whether a local copy is the very one that was verified."""
        status = path.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size, self.modified)


def record_path(cache: str | Path, repo: str, file: str, revision: str | None) -> Path:
    """Where the record of a file lies in a cache of the Hub; `revision` is the commit that is asked for, if any."""
    name = f"{repo}/{file}@{revision or 'main'}".replace("/", "--")
    return Path(cache).expanduser() / ".isthmus" / f"{name}.json"


def read_record(path: Path) -> DownloadRecord | None:
    """Read a record; None where there is none yet.

    Raises:
        WeightsError: it is damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return DownloadRecord(str(found["revision"]), str(found["sha256"]), int(found["size"]), int(found["modified"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise WeightsError(
            f"{path}, the record of a first download, cannot be read: {error}. Delete it to record anew"
        ) from error


def write_record(path: Path, record: DownloadRecord) -> None:
    """Write a record, whole or not at all.

    Raises:
        OSError: the cache cannot be written to.
    """
    write_text(path, json.dumps(asdict(record), indent=2) + "\n")
