"""A file of keypoints is read once, and again when it has changed."""

import os

from isthmus.datasets.keypoint_files.formats import read_annotations


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("image,x,y\na.png,1,2\n")
    first = read_annotations(path)
    assert read_annotations(path) is first
    path.write_text("image,x,y\na.png,7,2\n")
    os.utime(path, ns=(1, 1))
    assert read_annotations(path).images[0].keypoints.tolist() == [[[7, 2]]]
