import json
import logging
import subprocess
import sys

import numpy as np
import pytest
from drawn_keypoints import write_csv
from hypothesis import given
from hypothesis import strategies as st

from isthmus.datasets.keypoint_files import read_annotations
from isthmus.errors import ArgumentError, LabelError

nan = float("nan")


def points_of(annotations):
    """The instances of each image, None for a point that is not there."""
    return {
        image.identifier: [[None if np.isnan(p).any() else tuple(p.tolist()) for p in i] for i in image.keypoints]
        for image in annotations.images
    }


def text_file(folder, text, name="points.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_wide_table(tmp_path):
    path = text_file(
        tmp_path,
        "\ufeffimage,split,nose_x,nose_y,tail_x,tail_y,note\n"
        "a.png,train,1,2.5,,,first\n\nb.png,val,nan,NaN,3,4,\na.png,,5,6,7,8,second\nc.png,test,,,,,empty\n",
    )
    read = read_annotations(path)
    assert read.point_names == ("nose", "tail")
    assert points_of(read) == {
        "a.png": [[(1, 2.5), None], [(5, 6), (7, 8)]],
        "b.png": [[None, (3, 4)]],
        "c.png": [],
    }
    assert [image.split for image in read.images] == ["train", "val", "test"]
    assert read.images[0].places.tolist() == [[2, 2], [5, 5]]  # rows as a spreadsheet counts them
    assert read.images[2].keypoints.shape == (0, 2, 2)
    assert all(image.keypoints.dtype == np.float32 for image in read.images)


def test_long_tables(tmp_path):
    trees = read_annotations(text_file(tmp_path, "id,x,y\na,1,2\nb,3,4\na,5,6\n", "a.csv"))
    assert trees.point_names == ("point",)
    assert points_of(trees) == {"a": [[(1, 2)], [(5, 6)]], "b": [[(3, 4)]]}
    kinds = read_annotations(text_file(tmp_path, "image,name,x,y\na,tree,1,2\na,tree,3,4\nb,tree,,\n", "b.csv"))
    assert points_of(kinds) == {"a": [[(1, 2)], [(3, 4)]], "b": []}
    poses = read_annotations(text_file(tmp_path, "image,name,x,y\na,nose,1,2\na,tail,3,4\nb,tail,5,6\n", "c.csv"))
    assert poses.point_names == ("nose", "tail")
    assert points_of(poses) == {"a": [[(1, 2), (3, 4)]], "b": [[None, (5, 6)]]}
    several = read_annotations(
        text_file(tmp_path, "image,instance,name,x,y\na,1,nose,1,2\na,2,nose,3,4\na,2,tail,5,6\n", "d.csv")
    )
    assert points_of(several) == {"a": [[(1, 2), None], [(3, 4), (5, 6)]]}
    assert several.images[0].places.tolist() == [[2, 2], [3, 4]]


coordinates = st.floats(0, 500, width=32).map(lambda value: round(value, 3))


@given(st.lists(st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=2), min_size=1, max_size=5))
def test_wide_and_long_tables_say_the_same(tmp_path_factory, poses):
    folder = tmp_path_factory.mktemp("tables")
    wide = [[f"{index}.png", *(value for point in pose for value in point)] for index, pose in enumerate(poses)]
    long = [
        [f"{index}.png", name, *point]
        for index, pose in enumerate(poses)
        for name, point in zip("ab", pose, strict=True)
    ]
    one = read_annotations(write_csv(folder / "wide.csv", ["image", "a_x", "a_y", "b_x", "b_y"], wide))
    other = read_annotations(write_csv(folder / "long.csv", ["image", "name", "x", "y"], long))
    assert one.point_names == other.point_names
    assert points_of(one) == points_of(other)


def coco(folder, **changes):
    content = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 9, "file_name": "b.png"}],
        "categories": [{"id": 1, "name": "fly", "keypoints": ["head", "tail"]}, {"id": 2, "name": "box"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "keypoints": [0.5, 1.5, 2, 10, 20, 1]},
            {"id": 2, "image_id": 7, "category_id": 1, "keypoints": [3, 4, 2, 0, 0, 0]},
            {"id": 3, "image_id": 9, "category_id": 2, "bbox": [0, 0, 1, 1]},
            {"id": 4, "image_id": 9, "category_id": 1, "keypoints": [0, 0, 0, 0, 0, 0]},
        ],
    }
    return text_file(folder, json.dumps({**content, **changes}), "points.json")


def test_coco(tmp_path):
    read = read_annotations(coco(tmp_path))
    assert read.point_names == ("head", "tail")
    assert points_of(read) == {"a.png": [[(0.5, 1.5), (10, 20)], [(3, 4), None]], "b.png": []}


DEEPLABCUT = {
    "one animal": (
        "scorer,me,me,me,me\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,y\n"
        "labeled-data/v/img1.png,1,2,3,4\nlabeled-data/v/img2.png,,,5,6\n",
        {"labeled-data/v/img1.png": [[(1, 2), (3, 4)]], "labeled-data/v/img2.png": [[None, (5, 6)]]},
    ),
    "path in three columns": (
        "scorer,,,me,me,me,me\nbodyparts,,,nose,nose,tail,tail\ncoords,,,x,y,x,y\nlabeled-data,v,img1.png,1,2,3,4\n",
        {"labeled-data/v/img1.png": [[(1, 2), (3, 4)]]},
    ),
    "several animals": (
        "scorer,me,me,me,me,me,me\nindividuals,m1,m1,m2,m2,single,single\n"
        "bodyparts,nose,nose,nose,nose,tail,tail\ncoords,x,y,x,y,x,y\n"
        "img1.png,1,2,3,4,5,6\nimg2.png,,,7,8,,\n",
        {
            "img1.png": [[(1, 2), None], [(3, 4), None], [None, (5, 6)]],
            "img2.png": [[(7, 8), None]],
        },
    ),
}


@pytest.mark.parametrize(("text", "expected"), DEEPLABCUT.values(), ids=DEEPLABCUT)
def test_deeplabcut(tmp_path, text, expected):
    path = text_file(tmp_path, text, "CollectedData_me.csv")
    for how in ("auto", "deeplabcut"):
        read = read_annotations(path, how)
        assert read.point_names == ("nose", "tail")
        assert points_of(read) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"points\.csv is empty"),
        ("a,b,c\n1,2,3\n", r"has the columns a, b, c; keypoints have the columns image, x and y"),
        ("imge,nose_x,nose_y\na,1,2\n", r"no column 'image' or 'id'; its columns are imge, .*did you mean 'imge'"),
        ("image,nose_x,nos_y\na,1,2\n", r"a column 'nose_x' but none called 'nose_y'; did you mean 'nos_y'"),
        ("image,x,y,x\na,1,2,3\n", "two columns called 'x'"),
        ("image,x,y\na,1\n", r"row 2 has 2 cell\(s\), but there are 3 columns"),
        ("image,x,y\na,1,2\n,3,4\n", "row 3, column 'image' is empty"),
        ("image,x,y\na,1,2\nb,3,4px\n", r"points\.csv, row 3, column 'y': '4px' is not a number"),
        ("image,x,y\na,1,inf\n", "row 2, column 'y': 'inf' is not a number"),
        ("image,nose_x,nose_y\na,,2\n", "row 2, column 'nose_x' is empty, but column 'nose_y' is not"),
        ("image,split,x,y\na,train,1,2\na,val,3,4\n", "row 3 puts an image in the split 'val' that row 2 puts in 'tr"),
        ("image,name,x,y\na,l,1,2\na,r,1,2\na,l,3,4\n", "row 4 gives the point 'l' of 'a' again, which row 2 gives; a"),
        ("image,instance,x,y\na,1,1,2\na,1,3,4\n", "row 3 gives the point 'point' of 'a' again, which row 2 gives$"),
        ("image,x,y\n", "names no image"),
        ("scorer,me,me\nbodypart,a,a\ncoords,x,y\ni.png,1,2\n", "no row 'bodyparts' .*did you mean 'bodypart'"),
        ("scorer,me,me\nbodyparts,a,a\ncoords,x,z\ni.png,1,2\n", "no column 'y' for the body part 'a'"),
        ("scorer,me,me\nbodyparts,a,a\ncoords,x,y\ni.png,1,2\nj.png,1,?\n", r"row 5, column 'a y': '\?' is not a num"),
        ("scorer,me,me\nbodyparts,a,a\ncoords,x,y\ni.png,1\n", r"row 4 has 2 cell\(s\), but the header has 3"),
    ],
)
def test_what_is_wrong_with_a_table(tmp_path, text, said):
    with pytest.raises(LabelError, match=said):
        read_annotations(text_file(tmp_path, text))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": None}, "no list 'images'"),
        ({"categories": [{"id": 1, "name": "fly"}]}, "no category names keypoints; the categories are fly"),
        ({"images": [{"id": 7}]}, "item 0 of 'images' has no id or no file_name"),
        (
            {"images": [{"id": 7, "file_name": "a"}, {"id": 7, "file_name": "b"}]},
            "'images' lists 'b' or the id 7 twice",
        ),
        ({"images": [{"id": 9, "file_name": "b.png"}]}, "annotation 1 is of the image 7, which .* does not list"),
        (
            {"annotations": [{"id": 5, "image_id": 7, "category_id": 1, "keypoints": [1, 2, 2]}]},
            r"annotation 5 has 3 number\(s\) in keypoints; x, y and v of 2 points are 6",
        ),
        (
            {"annotations": [{"id": 5, "image_id": 7, "category_id": 1, "keypoints": [1, None, 2, 0, 0, 0]}]},
            "annotation 5: keypoints that are labelled but not finite",
        ),
        (
            {"annotations": [{"id": 5, "image_id": 7, "category_id": 1, "keypoints": ["x", 1, 2, 0, 0, 0]}]},
            "annotation 5: keypoints that are not numbers",
        ),
        (
            {"categories": [{"id": 1, "name": "a", "keypoints": ["h"]}, {"id": 2, "name": "b", "keypoints": ["t"]}]},
            r"different keypoints: \['h'\] and \['t'\]",
        ),
    ],
)
def test_what_is_wrong_with_coco(tmp_path, changes, said):
    with pytest.raises(LabelError, match=said):
        read_annotations(coco(tmp_path, **changes))


def test_what_is_no_file_of_keypoints(tmp_path):
    with pytest.raises(LabelError, match=r"there\.csv does not exist"):
        read_annotations(tmp_path / "there.csv")
    with pytest.raises(LabelError, match="is a folder"):
        read_annotations(tmp_path)
    with pytest.raises(LabelError, match=r"the ending '\.txt', which tells no format; expected \.csv, \.json, \.slp"):
        read_annotations(text_file(tmp_path, "", "a.txt"))
    with pytest.raises(ArgumentError, match=r"format is 'coc'; .*did you mean 'coco'"):
        read_annotations(tmp_path, "coc")
    with pytest.raises(LabelError, match="cannot be read as JSON"):
        read_annotations(text_file(tmp_path, "{", "a.json"))
    with pytest.raises(LabelError, match=r"no list 'images'.* it holds a list"):
        read_annotations(text_file(tmp_path, "[]", "a.json"))
    (tmp_path / "b.csv").write_bytes(b"image,x,y\n\xff\xfe,1,2\n")
    with pytest.raises(LabelError, match="cannot be read as a CSV table"):
        read_annotations(tmp_path / "b.csv")


def test_repeated_objects_are_kept_and_told(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        read = read_annotations(text_file(tmp_path, "id,x,y\na,1,2\nb,1,2\na,1,2\na,1,2\n"))
    assert [len(image.keypoints) for image in read.images] == [3, 1]
    assert "points.csv, row 4 repeats another instance of the same image (2 such in all)" in caplog.text


def test_files_are_read_without_torch():
    program = (
        "import sys, isthmus.datasets.keypoint_source, isthmus.datasets.keypoint_files.formats;"
        "import isthmus.datasets.checks; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
