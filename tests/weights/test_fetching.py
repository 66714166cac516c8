"""Downloads from a server on this machine that plays the Hub."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from local_hub import LocalHub

from isthmus.errors import WeightsError
from isthmus.registry import ISTHMUS_BACKBONE_REGISTRY
from isthmus.weights import PublishedWeights, fetch, published_weights

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = CONTENT[::-1]
WEIGHTS = PublishedWeights("owner/name", "weights.pt")


@pytest.fixture
def hub():
    with LocalHub() as server:
        yield server


@pytest.fixture
def cache(hub, tmp_path, monkeypatch):
    """An empty cache of the Hub, whose files come from the local server."""
    from huggingface_hub import constants

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + template[template.index("/{repo_id}") :])
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # what was received is kept chunk by chunk
    monkeypatch.setattr("time.sleep", lambda _: None)  # between attempts
    return tmp_path / "hub"


def record_of(cache, revision="main", file="weights.pt"):
    return cache / ".isthmus" / f"owner--name--{file}@{revision}.json"


def partial_files(cache):
    return [path for path in cache.rglob("*") if "incomplete" in path.name or path.name.startswith(".weights")]


def content_files(cache):
    return [path for path in cache.rglob("*") if path.is_file() and path.parent.name == "blobs"]


def test_a_file_is_downloaded_once_and_what_it_was_is_recorded(hub, cache):
    commit = hub.publish("owner/name", "weights.pt", CONTENT)
    path = fetch(WEIGHTS)
    assert path.read_bytes() == CONTENT
    record = json.loads(record_of(cache).read_text())
    assert (record["revision"], record["sha256"], record["size"]) == (commit, SHA256, len(CONTENT))
    hub.requests.clear()
    assert fetch(WEIGHTS) == path
    assert hub.requests == []


def test_a_file_in_a_folder_of_the_repository_has_its_record_too(hub, cache):
    commit = hub.publish("owner/name", "v1/weights.pt", CONTENT)
    fetch(PublishedWeights("owner/name", "v1/weights.pt"))
    assert json.loads(record_of(cache, file="v1--weights.pt").read_text())["revision"] == commit


def test_a_verified_file_is_not_read_again_until_it_changes(hub, cache, monkeypatch):
    hub.publish("owner/name", "weights.pt", CONTENT)
    path = fetch(WEIGHTS)
    hashed = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *args: hashed.append(1) or digest(*args))
    fetch(WEIGHTS)
    assert hashed == []
    os.utime(path, (1, 1))
    fetch(WEIGHTS)
    fetch(WEIGHTS)
    assert hashed == [1]


@pytest.mark.parametrize("known", [{}, {"sha256": SHA256}, {"sha256_prefix": SHA256[:8]}, {"revision": True}])
def test_what_is_pinned_and_true_is_fine(hub, cache, known):
    commit = hub.publish("owner/name", "weights.pt", CONTENT)
    known = {"revision": commit} if known == {"revision": True} else known
    assert fetch(PublishedWeights("owner/name", "weights.pt", **known)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("known", "linked"),
    [({"sha256": "0" * 64}, True), ({"sha256": "0" * 64}, False), ({"sha256_prefix": "0" * 8}, False)],
)
def test_a_hash_other_than_the_pinned_one_is_an_error_and_the_file_is_gone(hub, cache, monkeypatch, known, linked):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_SYMLINKS", not linked)
    commit = hub.publish("owner/name", "weights.pt", CONTENT)
    with pytest.raises(WeightsError) as caught:
        fetch(PublishedWeights("owner/name", "weights.pt", commit, **known))
    for part in ("owner/name/weights.pt", SHA256, next(iter(known.values())), str(cache), "removed"):
        assert part in str(caught.value)
    assert content_files(cache) == []
    assert not list(cache.rglob("snapshots/*/weights.pt"))
    assert not record_of(cache, commit).exists()


def test_digits_in_a_name_do_not_count_where_the_hub_vouches_for_the_content(hub, cache):
    hub.publish("owner/name", "weights.pt", CONTENT)
    assert fetch(PublishedWeights("owner/name", "weights.pt", sha256_prefix="0" * 8)).read_bytes() == CONTENT


def test_a_file_that_was_verified_is_held_to_a_hash_that_is_pinned_later(hub, cache):
    hub.publish("owner/name", "weights.pt", CONTENT)
    fetch(WEIGHTS)
    with pytest.raises(WeightsError, match="wrong content"):
        fetch(PublishedWeights("owner/name", "weights.pt", sha256="0" * 64))


def test_content_other_than_the_hub_announced_is_an_error_and_the_next_try_downloads_anew(hub, cache):
    hub.publish("owner/name", "weights.pt", CONTENT)
    hub.spoiled["weights.pt"] = OTHER
    with pytest.raises(WeightsError, match=f"{SHA256} was expected, as the Hub says"):
        fetch(WEIGHTS)
    assert content_files(cache) == []
    del hub.spoiled["weights.pt"]
    assert fetch(WEIGHTS).read_bytes() == CONTENT


def test_a_file_that_was_damaged_in_the_cache_is_found_out(hub, cache):
    hub.publish("owner/name", "weights.pt", CONTENT)
    fetch(WEIGHTS).write_bytes(OTHER)
    with pytest.raises(WeightsError, match="recorded at the first download"):
        fetch(WEIGHTS)
    assert fetch(WEIGHTS).read_bytes() == CONTENT


@pytest.mark.parametrize("broken", [[50_000], [0, 0, 50_000], [5_000] * 20])
def test_a_broken_transfer_is_taken_up_where_it_ended(hub, cache, broken):
    hub.publish("owner/name", "weights.pt", CONTENT)
    hub.break_after = list(broken)
    assert fetch(WEIGHTS).read_bytes() == CONTENT
    starts = [ranges for method, _, ranges in hub.requests if method == "GET"]
    assert starts[0] is None
    assert starts[-1] == f"bytes={sum(broken)}-"
    assert partial_files(cache) == []


def test_a_transfer_that_never_ends_leaves_nothing_behind(hub, cache):
    hub.publish("owner/name", "weights.pt", CONTENT)
    hub.break_after = [50_000] + [0] * 50
    with pytest.raises(WeightsError, match="could not be downloaded"):
        fetch(WEIGHTS)
    assert partial_files(cache) == content_files(cache) == []
    assert not record_of(cache).exists()
    hub.break_after = []
    assert fetch(WEIGHTS).read_bytes() == CONTENT


def test_a_branch_that_moved_on_does_not_change_the_weights(hub, cache):
    first = hub.publish("owner/name", "weights.pt", CONTENT)
    fetch(WEIGHTS)
    hub.publish("owner/name", "weights.pt", OTHER)
    assert fetch(WEIGHTS).read_bytes() == CONTENT
    for path in [*cache.rglob("snapshots/*/weights.pt"), *content_files(cache)]:
        path.unlink()  # as someone who tidies up does
    hub.requests.clear()
    assert fetch(WEIGHTS).read_bytes() == CONTENT
    assert {path for _, path, _ in hub.requests} == {f"/owner/name/resolve/{first}/weights.pt"}


def test_a_recorded_commit_that_is_gone_is_an_error_that_names_the_record(hub, cache):
    commit = hub.publish("owner/name", "weights.pt", CONTENT)
    path = fetch(WEIGHTS)
    path.resolve().unlink()
    path.unlink()
    del hub.repositories["owner/name"].files[commit]
    with pytest.raises(WeightsError, match=rf"no revision '{commit}'.*{record_of(cache)}; delete that"):
        fetch(WEIGHTS)


def test_the_cache_is_enough(hub, cache, monkeypatch):
    hub.publish("owner/name", "weights.pt", CONTENT)
    path = fetch(WEIGHTS)
    hub.close()
    assert fetch(WEIGHTS) == path
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert fetch(WEIGHTS) == path


@pytest.mark.parametrize("offline", [True, False])
def test_a_file_that_another_program_downloaded_is_taken_and_recorded_without_a_network(
    hub, cache, monkeypatch, offline
):
    from huggingface_hub import hf_hub_download

    commit = hub.publish("owner/name", "weights.pt", CONTENT)
    path = Path(hf_hub_download("owner/name", "weights.pt"))
    hub.close()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
    assert fetch(WEIGHTS) == path
    assert json.loads(record_of(cache).read_text())["revision"] == commit


def test_such_a_file_is_held_to_the_hash_that_the_cache_calls_it_by(hub, cache):
    from huggingface_hub import hf_hub_download

    hub.publish("owner/name", "weights.pt", CONTENT)
    Path(hf_hub_download("owner/name", "weights.pt")).write_bytes(OTHER)
    hub.close()
    with pytest.raises(WeightsError, match="as the Hub says"):
        fetch(WEIGHTS)


def test_a_cache_that_cannot_be_written_to_still_serves(hub, cache, monkeypatch, caplog):
    hub.publish("owner/name", "weights.pt", CONTENT)

    def refuse(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr("isthmus.weights.records.write_text", refuse)
    with caplog.at_level("INFO"):
        assert fetch(WEIGHTS).read_bytes() == CONTENT
    assert "verified at every start" in caplog.text


def test_a_damaged_record_is_an_error_that_says_what_to_do(hub, cache):
    hub.publish("owner/name", "weights.pt", CONTENT)
    fetch(WEIGHTS)
    record_of(cache).write_text('{"revision": "x"')
    with pytest.raises(WeightsError, match=rf"{record_of(cache)}.* cannot be read: .* Delete it"):
        fetch(WEIGHTS)


def without_network(hub, monkeypatch):
    hub.close()


def offline(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def down(hub, monkeypatch):
    hub.status = 503


@pytest.mark.parametrize(
    ("spoil", "reason"), [(without_network, "onnect"), (offline, "offline mode is enabled"), (down, "503")]
)
def test_without_network_and_cache_the_error_says_what_is_expected_where(hub, cache, monkeypatch, spoil, reason):
    spoil(hub, monkeypatch)
    with pytest.raises(WeightsError) as caught:
        fetch(WEIGHTS)
    where = cache / "models--owner--name" / "snapshots" / "*" / "weights.pt"
    for part in ("owner/name/weights.pt", str(where), reason, "ckpt_path", "a folder with weights.pt in it"):
        assert part in str(caught.value)
    assert partial_files(cache) == []


def missing_file(hub):
    hub.publish("owner/name", "README.md", b"hello")


def missing_repository(hub):
    pass


def gated(hub):
    hub.gated.add("owner/name")


def wrong_token(hub):
    hub.status = 401


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (missing_file, r"the repository 'owner/name' has no file 'weights\.pt' at the revision 'main'"),
        (missing_repository, r"no repository 'owner/name', or it is private: .*/owner/name\. .*hf auth login"),
        (wrong_token, r"the Hub does not let this login see owner/name/weights\.pt: 401 .*HF_TOKEN"),
        (gated, r"accept its terms, on .*/owner/name: .*hf auth login"),
    ],
)
def test_what_the_hub_does_not_give_is_one_clear_error_each(hub, cache, prepare, message):
    prepare(hub)
    with pytest.raises(WeightsError, match=message):
        fetch(WEIGHTS)


def test_a_pinned_commit_that_is_not_there_is_an_error(hub, cache):
    hub.publish("owner/name", "weights.pt", CONTENT)
    with pytest.raises(WeightsError, match=f"the repository 'owner/name' has no revision '{'a' * 40}'$"):
        fetch(PublishedWeights("owner/name", "weights.pt", "a" * 40))


def test_a_pinned_commit_is_what_is_downloaded(hub, cache):
    first = hub.publish("owner/name", "weights.pt", CONTENT)
    hub.publish("owner/name", "weights.pt", OTHER)
    assert fetch(PublishedWeights("owner/name", "weights.pt", first)).read_bytes() == CONTENT
    assert fetch(WEIGHTS).read_bytes() == OTHER


def test_several_processes_may_fetch_at_once(hub, cache):
    hub.publish("owner/name", "weights.pt", CONTENT * 50)
    program = "from isthmus.weights.fetching import fetch; from isthmus.weights.hub import PublishedWeights; print(fetch(PublishedWeights('owner/name', 'weights.pt')))"
    setting = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", program]
    running = [
        subprocess.Popen(command, env={**os.environ, **setting}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [each.communicate(timeout=60) for each in running]
    assert [each.returncode for each in running] == [0, 0], said
    paths = {Path(out.decode().strip()) for out, _ in said}
    assert [path.read_bytes() for path in paths] == [CONTENT * 50]
    assert json.loads(record_of(cache).read_text())["size"] == 50 * len(CONTENT)
    assert partial_files(cache) == []


def test_a_backbone_is_built_from_the_hub(hub, cache, tmp_path):
    name = "prithvi_eo_v2_tiny_tl"
    encoder = ISTHMUS_BACKBONE_REGISTRY.build(name, depth=1)
    torch.save({f"encoder.{key}": tensor for key, tensor in encoder.state_dict().items()}, tmp_path / "w.pt")
    published = published_weights(name)
    hub.publish(published.repo, published.file, (tmp_path / "w.pt").read_bytes())
    loaded = ISTHMUS_BACKBONE_REGISTRY.build(name, pretrained=True, depth=1)
    assert torch.equal(loaded.patch_embed.proj.weight, encoder.patch_embed.proj.weight)
    assert loaded.weights_report.source == str(published)
