"""A server on this machine that plays the Hugging Face Hub, for tests of downloads that go well and of those that do not.

with LocalHub() as hub:
    commit = hub.publish("owner/name", "weights.pt", content)
    ...  # HF_ENDPOINT=hub.url, or the fixture `hub`
"""

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class Repository:
    """The files of every commit, and the names of commits."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)


class LocalHub:
    """Repositories that are served as the Hub serves large files, and ways to make that fail.

    Attributes:
        requests: method, path and the header `Range` of every request, in order.
        break_after: the next downloads end after so many bytes, each number once.
        spoiled: what is sent instead of the content of a file, under the same name and hash.
        status: an answer to every request, such as 503.
        gated: repositories that want terms to be accepted.
    """

    def __init__(self):
        self.repositories: dict[str, Repository] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.break_after: list[int] = []
        self.spoiled: dict[str, bytes] = {}
        self.status: int | None = None
        self.gated: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Go down: whoever asks from now on is refused."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def publish(self, repo, file, content):
        """Add a commit with a file of this content to `main`; returns the commit."""
        repository = self.repositories.setdefault(repo, Repository())
        previous = repository.refs.get("main")
        files = dict(repository.files.get(previous, {})) | {file: content}
        commit = hashlib.sha1(repr((previous, sorted(files.items()))).encode()).hexdigest()
        repository.files[commit], repository.refs["main"] = files, commit
        return commit

    def downloads(self):
        """How many requests there were for content."""
        return sum(method == "GET" for method, *_ in self.requests)


class _Handler(BaseHTTPRequestHandler):
    hub: LocalHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(with_content=False)

    def do_GET(self):
        self.answer(with_content=True)

    def answer(self, *, with_content):
        self.hub.requests.append((self.command, self.path, self.headers.get("Range")))
        if self.hub.status is not None:
            return self.refuse(self.hub.status)
        repo, _, rest = unquote(self.path).lstrip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        repository = self.hub.repositories.get(repo)
        if repo in self.hub.gated:
            return self.refuse(403, {"X-Error-Code": "GatedRepo"})
        if repository is None:
            return self.refuse(401, {"X-Error-Code": "RepoNotFound"})
        commit = repository.refs.get(revision, revision)
        if commit not in repository.files:
            return self.refuse(404, {"X-Error-Code": "RevisionNotFound"})
        if file not in repository.files[commit]:
            return self.refuse(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        content = repository.files[commit][file]
        return self.serve(
            commit, hashlib.sha256(content).hexdigest(), self.hub.spoiled.get(file, content), with_content
        )

    def serve(self, commit, sha256, content, with_content):
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for name, value in {
            "X-Repo-Commit": commit,
            "X-Linked-Etag": f'"{sha256}"',
            "X-Linked-Size": len(content),
            "ETag": f'"{sha256}"',
            "Accept-Ranges": "bytes",
            "Content-Length": len(content) - start,
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        if with_content:
            sent = content[start:]
            if self.hub.break_after:
                sent, self.close_connection = sent[: self.hub.break_after.pop(0)], True
            self.wfile.write(sent)

    def refuse(self, status, headers=None):
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass
