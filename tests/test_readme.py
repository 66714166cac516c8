"""What the README shows is what runs."""

import re
from pathlib import Path

import yaml
from drawn_chips import write_chips

from isthmus.config import check_config

README = Path(__file__).parents[1] / "README.md"


def test_the_configuration_in_the_readme_has_no_fault(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for split in ("train", "val", "test"):
        write_chips(tmp_path / "data" / split, count=8, bands=6, size=(64, 64))
        (tmp_path / "data" / split / "labels").rename(tmp_path / "data" / split / "masks")
    shown = re.search(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    assert shown is not None
    assert check_config(yaml.safe_load(shown.group(1))) == []
