"""Files that are there whole or not at all."""

import pytest

from isthmus.atomic import atomic_path, write_text


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "old\n")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old\n"
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
    assert path.read_text() == "new"


def test_a_failure_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
