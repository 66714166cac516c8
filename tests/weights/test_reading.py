import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from isthmus.errors import WeightsError
from isthmus.weights import read_checkpoint

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(1)}


class RunsCode:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def same(found):
    return found.keys() == TENSORS.keys() and all(torch.equal(found[key], TENSORS[key]) for key in TENSORS)


@pytest.mark.parametrize("wrap", [dict, lambda t: {"state_dict": t, "epoch": 3}, lambda t: {"model": t, "args": "x"}])
@pytest.mark.parametrize("zipped", [True, False])
def test_pytorch_checkpoints_are_read_and_unwrapped(tmp_path, wrap, zipped):
    torch.save(wrap(TENSORS), tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    assert same(read_checkpoint(tmp_path / "w.pt"))


def test_safetensors_are_read(tmp_path):
    save_file(TENSORS, tmp_path / "w.safetensors")
    assert same(read_checkpoint(tmp_path / "w.safetensors"))


def test_a_file_with_code_is_refused_and_the_code_does_not_run(tmp_path):
    path, trap = tmp_path / "w.pt", tmp_path / "trap"
    for write in (torch.save, lambda held, file: file.write_bytes(pickle.dumps(held))):
        write({"state_dict": TENSORS, "extra": RunsCode(str(trap))}, path)
        with pytest.raises(WeightsError, match=r"w\.pt is damaged, or holds more than tensors") as caught:
            read_checkpoint(path)
        assert "weights_only" not in str(caught.value)
        assert not trap.exists()


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
@pytest.mark.parametrize("keep", [0, 1, 7, 40, 0.3, 0.9])
def test_a_truncated_file_is_one_error_that_names_it(tmp_path, name, keep):
    path = tmp_path / name
    big = {"a": torch.randn(100, 100)}
    save_file(big, path) if name.endswith("safetensors") else torch.save(big, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(WeightsError, match=name):
        read_checkpoint(path)


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors", "w.ckpt"])
@pytest.mark.parametrize("content", [b"", b"not weights at all\n" * 50, b"PK\x03\x04" + b"\x00" * 100, b"\x80\x05."])
def test_a_foreign_file_is_one_error_that_names_it(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=name):
        read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("held", [{}, {"epoch": 3}, [torch.ones(2)], torch.ones(2), {"state_dict": {}}])
def test_a_file_without_a_table_of_tensors_is_an_error(tmp_path, held):
    torch.save(held, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="holds no table of tensors"):
        read_checkpoint(tmp_path / "w.pt")


def test_a_path_that_is_no_file_is_an_error(tmp_path):
    with pytest.raises(WeightsError, match="is a folder"):
        read_checkpoint(tmp_path)
    with pytest.raises(WeightsError, match=r"gone\.pt does not exist"):
        read_checkpoint(tmp_path / "gone.pt")


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_what_was_read_does_not_depend_on_the_file(tmp_path, name):
    path = tmp_path / name
    big = {"a": torch.randn(1000, 1000), "b": torch.randn(1000)}
    save_file(big, path) if name.endswith("safetensors") else torch.save(big, path)
    found = read_checkpoint(path)
    size = path.stat().st_size
    with path.open("r+b") as file:  # in place, as a training that writes its next checkpoint may do
        file.write(b"\xff" * size)
        file.truncate(0)
    assert all(torch.equal(found[key], big[key]) for key in big)


def test_a_file_of_many_pieces_is_read_in_full(tmp_path, monkeypatch):
    monkeypatch.setattr("isthmus.weights.reading._MAPPED_AT_ONCE", 100)
    many = {f"layer.{index}": torch.randn(index % 7, 5) for index in range(50)} | {"half": torch.ones(3).bfloat16()}
    save_file(many, tmp_path / "w.safetensors", metadata={"format": "pt"})
    found = read_checkpoint(tmp_path / "w.safetensors")
    assert found.keys() == many.keys()
    assert all(torch.equal(found[key], many[key]) and found[key].dtype == many[key].dtype for key in many)


def test_a_file_that_is_replaced_while_it_is_read_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    save_file(TENSORS, path)
    versions = iter([(1, 1, 1), (2, 1, 1)])
    monkeypatch.setattr("isthmus.weights.reading._version", lambda _: next(versions))
    with pytest.raises(WeightsError, match=r"w\.safetensors was overwritten while it was read"):
        read_checkpoint(path)


@pytest.mark.parametrize("value", [torch.eye(3).to_sparse(), torch.ones(3, device="meta")])
def test_tensors_without_plain_values_are_an_error(tmp_path, value):
    torch.save({"a": value}, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="'a' is sparse or was saved without its values"):
        read_checkpoint(tmp_path / "w.pt")
