import sys

import numpy as np
import pytest
from drawn_chips import write_raster

from isthmus.datasets.keypoint_files import read_annotations
from isthmus.errors import LabelError, MissingExtraError
from isthmus.rasters.read import read_bands


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sleap_io", None)
    (tmp_path / "a.slp").touch()
    with pytest.raises(MissingExtraError, match=r"sleap-io.*isthmus\[keypoints\]"):
        read_annotations(tmp_path / "a.slp")


@pytest.fixture
def sleap_io():
    return pytest.importorskip("sleap_io", reason="sleap-io brings 20 packages; install isthmus[keypoints] to test it")


def labels_of(sleap_io, folder):
    """Three frames: two flies, of which one was predicted; a fly with a point hidden; a prediction alone."""
    files = [
        str(
            write_raster(
                folder / f"images/f{n}.png", np.random.default_rng(n).integers(0, 255, (12, 16)).astype("uint8")
            )
        )
        for n in range(3)
    ]
    video, skeleton = sleap_io.Video.from_filename(files), sleap_io.Skeleton(["head", "tail"])

    def person(points):
        return sleap_io.Instance.from_numpy(np.array(points, float), skeleton=skeleton)

    def machine(points):
        return sleap_io.PredictedInstance.from_numpy(np.array(points, float), skeleton=skeleton)

    frames = [
        sleap_io.LabeledFrame(
            video=video, frame_idx=0, instances=[person([[1, 2], [3, 4]]), machine([[9, 9], [8, 8]])]
        ),
        sleap_io.LabeledFrame(video=video, frame_idx=1, instances=[person([[np.nan, np.nan], [5, 6]])]),
        sleap_io.LabeledFrame(video=video, frame_idx=2, instances=[machine([[1, 1], [2, 2]])]),
    ]
    return sleap_io.Labels(frames), files


def check(read):
    assert read.point_names == ("head", "tail")
    np.testing.assert_array_equal(read.images[0].keypoints, [[[1, 2], [3, 4]]])
    np.testing.assert_array_equal(read.images[1].keypoints, [[[np.nan, np.nan], [5, 6]]])
    assert len(read.images) == 2
    assert [image.place for image in read.images] == [0, 1]


def test_frames_that_are_files(tmp_path, sleap_io):
    labels, files = labels_of(sleap_io, tmp_path)
    labels.save(str(tmp_path / "a.slp"), verbose=False)
    read = read_annotations(tmp_path / "a.slp")
    check(read)
    assert [image.identifier for image in read.images] == files[:2]


def test_embedded_frames_are_written_once(tmp_path, sleap_io):
    labels, files = labels_of(sleap_io, tmp_path)
    path = tmp_path / "a.pkg.slp"
    labels.save(str(path), embed="all", verbose=False)
    read = read_annotations(path)
    check(read)
    for image, file in zip(read.images, files, strict=False):
        assert image.image.parent.name == "a.pkg.frames"
        np.testing.assert_array_equal(read_bands(image.image), read_bands(file))
    written = read.images[0].image.stat().st_mtime_ns
    assert read_annotations(path).images[0].image.stat().st_mtime_ns == written
    elsewhere = read_annotations(path, frames=tmp_path / "elsewhere")
    assert elsewhere.images[0].image.parent == tmp_path / "elsewhere"


def test_what_is_no_file_of_sleap(tmp_path, sleap_io):
    (tmp_path / "a.slp").write_bytes(b"nothing")
    with pytest.raises(LabelError, match=r"a\.slp cannot be read as a file of SLEAP"):
        read_annotations(tmp_path / "a.slp")
    labels, _ = labels_of(sleap_io, tmp_path)
    sleap_io.Labels(labels.labeled_frames[2:]).save(str(tmp_path / "b.slp"), verbose=False)
    with pytest.raises(LabelError, match=r"1 frame\(s\), but none that a person labelled"):
        read_annotations(tmp_path / "b.slp")
