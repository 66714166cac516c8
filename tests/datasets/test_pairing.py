import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.datasets.pairing import find_files, find_images, find_samples
from isthmus.datasets.splits import Split, read_split
from isthmus.errors import PairingError


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names_of(samples):
    return [(sample.image.name, sample.label.name) for sample in samples]


@pytest.mark.parametrize(
    ("images", "labels", "image_pattern", "label_pattern"),
    [
        (["a_merged.tif", "b_merged.tif"], ["a.mask.tif", "b.mask.tif"], "*_merged.tif", "*.mask.tif"),
        (["1.tif", "2.tif"], ["1.png", "2.png"], "*", "*"),
        (["1.tif", "2.tif"], ["1.png", "2.png"], "*.tif", "*.png"),
        (["img_1.tif", "img_2.tif"], ["lbl_1.tif", "lbl_2.tif"], "img_*.tif", "lbl_*.tif"),
        (["s_1_input.tif", "s_2_input.tif"], ["s_1_label.tif", "s_2_label.tif"], "s*input*.tif", "s*label*.tif"),
        (["x_1_image.tif", "x_2_image.tif"], ["x_1_mask.tif", "x_2_mask.tif"], "*.tif", "*.tif"),
        (["image-1.tif", "image-2.tif"], ["mask-1.png", "mask-2.png"], "*", "*"),
        (["n/1.tif", "s/1.tif"], ["n/1.tif", "s/1.tif"], "**/*.tif", "**/*.tif"),
        (["a/img/1.tif", "b/img/1.tif"], ["a/msk/1.tif", "b/msk/1.tif"], "*/img/*.tif", "*/msk/*.tif"),
        (["S2.B_1.tif", "S2.B_2.tif"], ["S2.B_1.png", "S2.B_2.png"], "*", "*"),
    ],
)
def test_pairs_by_name(tmp_path, images, labels, image_pattern, label_pattern):
    touch(tmp_path / "i", *images)
    touch(tmp_path / "l", *labels)
    samples = find_samples(tmp_path / "i", image_pattern, tmp_path / "l", label_pattern)
    found = [(str(s.image.relative_to(tmp_path / "i")), str(s.label.relative_to(tmp_path / "l"))) for s in samples]
    assert found == list(zip(images, labels, strict=True))


def test_one_folder_for_both(tmp_path):
    touch(tmp_path, "a_merged.tif", "a.mask.tif", "b_merged.tif", "b.mask.tif", "notes.aux.xml")
    expected = [("a_merged.tif", "a.mask.tif"), ("b_merged.tif", "b.mask.tif")]
    assert names_of(find_samples(tmp_path, "*_merged.tif", tmp_path, "*.mask.tif")) == expected
    touch(tmp_path / "plain", "1.tif", "1_mask.tif")
    assert names_of(find_samples(tmp_path / "plain", "*.tif", tmp_path / "plain", "*_mask.tif")) == [
        ("1.tif", "1_mask.tif")
    ]


def test_a_missing_mask_is_named_and_shifts_nothing(tmp_path):  # pitfall S1
    touch(tmp_path / "i", *(f"{n}.tif" for n in range(6)))
    touch(tmp_path / "l", *(f"{n}.tif" for n in (0, 1, 3, 4, 5)))
    with pytest.raises(PairingError, match=r"1 image\(s\) without a label.*/i/2\.tif \(5 pair"):
        find_samples(tmp_path / "i", "*.tif", tmp_path / "l", "*.tif")


def test_strays_are_counted_and_the_first_are_named(tmp_path):
    touch(tmp_path / "i", *(f"{n:02d}.tif" for n in range(9)))
    touch(tmp_path / "l", "00.tif", "x.tif")
    with pytest.raises(PairingError, match=r"8 image.*01\.tif, .*02\.tif, .*03\.tif and 5 more; 1 label.*x\.tif"):
        find_samples(tmp_path / "i", "*.tif", tmp_path / "l", "*.tif")


def test_labels_that_match_nothing_are_an_error(tmp_path):  # pitfall S4
    touch(tmp_path, "a.tif", "b.tif")
    with pytest.raises(PairingError, match=r"no file in .* matches '\*_lbl\.tif'; it holds a\.tif, b\.tif"):
        find_samples(tmp_path, "*.tif", tmp_path, "*_lbl.tif")
    with pytest.raises(PairingError, match="its own label"):
        find_samples(tmp_path, "*", tmp_path, "*")
    assert [sample.label for sample in find_images(tmp_path, "*")] == [None, None]


def test_missing_folders_and_empty_ones(tmp_path):
    with pytest.raises(PairingError, match="is not a folder"):
        find_files(tmp_path / "nowhere", "*")
    with pytest.raises(PairingError, match="it is empty"):
        find_files(tmp_path, "*")


def test_files_that_cannot_be_told_apart(tmp_path):
    touch(tmp_path / "i", "1.tif", "1.jpg")
    touch(tmp_path / "l", "1.tif")
    with pytest.raises(PairingError, match=r"1\.jpg and .*1\.tif both belong to the sample '1'"):
        find_samples(tmp_path / "i", "*", tmp_path / "l", "*")


def test_unrelated_names_are_not_paired(tmp_path):
    touch(tmp_path / "i", "img_1.tif")
    touch(tmp_path / "l", "img_2.tif")
    with pytest.raises(PairingError):
        find_samples(tmp_path / "i", "*", tmp_path / "l", "*")


def test_broken_links_are_found_and_sidecars_are_not(tmp_path):
    touch(tmp_path, "a.tif.aux.xml", "a.tif.ovr", ".hidden.tif")
    (tmp_path / "a.tif").symlink_to("nowhere.tif")
    (tmp_path / "folder").mkdir()
    assert [path.name for path in find_files(tmp_path, "*")] == ["a.tif"]


def test_the_order_of_files_does_not_matter(tmp_path):
    touch(tmp_path / "i", "b.tif", "a.tif", "c.tif")
    touch(tmp_path / "l", "c.png", "a.png", "b.png")
    assert names_of(find_samples(tmp_path / "i", "*", tmp_path / "l", "*")) == [(f"{n}.tif", f"{n}.png") for n in "abc"]


def split_file(folder, text, name="split.txt"):
    path = folder / name
    path.write_text(text)
    return path


def keys(*names):
    return {name.removesuffix(".tif"): [name] for name in names}


def test_an_entry_never_matches_a_longer_number(tmp_path):  # pitfall S3
    split = read_split(split_file(tmp_path, "img_1\n"), "train")
    assert split.select(keys("img_1.tif", "img_10.tif", "img_11.tif")) == ["img_1"]
    assert split.select(keys("img_1_s2.tif", "img_10_s2.tif", "x-img_1.tif", "ximg_1.tif")) == ["img_1_s2", "x-img_1"]


def test_a_name_written_out_stands_for_itself_alone(tmp_path):
    split = read_split(split_file(tmp_path, "img_1\n"), "train")
    assert split.select(keys("img_1.tif", "img_1_b.tif")) == ["img_1"]


def test_blank_lines_and_comments_select_nothing(tmp_path):  # pitfall S2
    split = read_split(split_file(tmp_path, "\n# first\n  a  \n\n\t\n"), "train")
    assert split.entries == ("a",)
    assert split.select(keys("a.tif", "b.tif")) == ["a"]
    with pytest.raises(PairingError, match="no entries"):
        read_split(split_file(tmp_path, "\n \n# nothing\n"), "train")


def test_an_entry_that_matches_nothing_is_named(tmp_path):
    split = read_split(split_file(tmp_path, "chip_1\nchip_9\nchips_2\n"), "train")
    with pytest.raises(PairingError, match=r"2 entries that match no sample: 'chip_9', 'chips_2'; did you mean 'chip_"):
        split.select(keys("chip_1.tif", "chip_2.tif"))


@pytest.mark.parametrize(
    ("entry", "ignore", "substring", "found"),
    [
        ("a_1", True, False, True),
        ("a_1.tif", True, False, True),
        ("a_1.png", True, False, True),  # extensions are ignored on both sides
        ("a_1.png", False, False, False),
        ("a_1.tif", False, False, True),
        ("a", True, False, False),
        ("a", True, True, True),
        ("1", False, True, True),
    ],
)
def test_extensions_and_substrings(tmp_path, entry, ignore, substring, found):
    split = Split(tmp_path, (entry,), ignore, substring)
    samples = {"key": ["a_1.tif"]}
    if found:
        assert split.select(samples) == ["key"]
    else:
        with pytest.raises(PairingError):
            split.select(samples)


def test_a_dot_in_a_name_is_no_extension(tmp_path):
    assert Split(tmp_path, ("S2.B_12",)).select(keys("S2.B_12.tif", "S2.B_13.tif")) == ["S2.B_12"]


def test_a_split_takes_the_pairs_that_it_names_and_no_others_are_asked_for(tmp_path):
    touch(tmp_path / "i", "1_image.tif", "2_image.tif", "3_image.tif")
    touch(tmp_path / "l", "1_mask.tif", "2_mask.tif")
    path = split_file(tmp_path, "2\n1_image.tif\n")
    samples = find_samples(tmp_path / "i", "*_image.tif", tmp_path / "l", "*_mask.tif", read_split(path, "train"))
    assert [sample.identifier for sample in samples] == ["1", "2"]
    path.write_text("3\n")
    with pytest.raises(PairingError, match=r"3_image\.tif"):
        find_samples(tmp_path / "i", "*_image.tif", tmp_path / "l", "*_mask.tif", read_split(path, "train"))


def test_a_table_by_its_column_split(tmp_path):
    path = split_file(tmp_path, "group,id,split\n0,a,train\n1,b,val\n1,c,train\n", "s.csv")
    assert read_split(path, "train").entries == ("a", "c")
    assert read_split(path, "val").entries == ("b",)
    with pytest.raises(PairingError, match="no entries for 'test'"):
        read_split(path, "test")
    with pytest.raises(PairingError, match="no column 'split'; its columns are id, fold"):
        read_split(split_file(tmp_path, "id,fold\na,1\n", "t.csv"), "train")


def test_a_split_file_that_is_not_there(tmp_path):
    with pytest.raises(PairingError, match=r"none\.txt cannot be read"):
        read_split(tmp_path / "none.txt", "train")


TOKENS = st.lists(st.text("ab1", min_size=1, max_size=3), min_size=1, max_size=4)


@given(TOKENS, TOKENS, st.sampled_from("_-."))
def test_a_substring_matches_whole_tokens_only(name, entry, separator):
    """An entry matches exactly where its tokens stand in a row among those of the name."""
    text, wanted = separator.join(name), separator.join(entry)
    rows = [name[i : i + len(entry)] for i in range(len(name) - len(entry) + 1)]
    split = Split(Path("split.txt"), (wanted,), ignore_extensions=False)
    if entry in rows:
        assert split.select({"key": [text]}) == ["key"]
    else:
        with pytest.raises(PairingError):
            split.select({"key": [text]})


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=30), st.data())
def test_numbered_names_select_exactly_themselves(numbers, data):
    names = {f"img_{number}": [f"img_{number}.tif"] for number in numbers}
    chosen = data.draw(st.sets(st.sampled_from(sorted(names)), min_size=1))
    assert set(Split(Path("s"), tuple(chosen)).select(names)) == chosen


def test_twenty_thousand_names_and_entries_take_a_moment():  # pitfall P6
    names = {f"scene_{n}": [f"scene_{n}_s2.tif"] for n in range(20_000)}
    entries = tuple(f"scene_{n}" for n in range(0, 20_000, 2))
    started = time.process_time()
    assert len(Split(Path("s"), entries).select(names)) == 10_000
    assert time.process_time() - started < 10  # 200 million comparisons would take minutes


@pytest.mark.real
def test_the_flood_chips(shared):
    root = shared / "data/hls_flood"
    counts = {}
    for stage in ("train", "val", "test"):
        samples = find_samples(
            root / "images", "*.tif", root / "masks", "*.png", read_split(root / "splits.csv", stage)
        )
        assert all(sample.image.stem == sample.label.stem for sample in samples)
        counts[stage] = len(samples)
    assert counts == {"train": 195, "val": 49, "test": 27}
