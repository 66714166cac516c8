"""Padding to whole patches and cropping back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracle import cases, differences, load_oracle

from isthmus.errors import ShapeError
from isthmus.models.padding import crop_centre, image_size, pad_images

sizes = st.integers(1, 40)


@given(
    height=sizes, width=sizes, multiple=st.integers(1, 17), mode=st.sampled_from(["reflect", "constant", "replicate"])
)
def test_padding_reaches_the_next_multiple_and_cropping_undoes_it(height, width, multiple, mode):
    x = torch.arange(height * width, dtype=torch.float32).reshape(1, 1, height, width)
    padded = pad_images(x, multiple, mode)
    assert padded.shape[-2] == -(-height // multiple) * multiple
    assert padded.shape[-1] == -(-width // multiple) * multiple
    assert torch.equal(crop_centre(padded, (height, width)), x)


def test_an_image_smaller_than_its_reflection_is_replicated():
    x = torch.rand(1, 2, 10, 10)
    padded = pad_images(x, 32)
    assert padded.shape == (1, 2, 32, 32)
    assert torch.equal(padded[..., 0, 0], x[..., 0, 0])


def test_frames_without_a_time_axis_are_refused():
    with pytest.raises(ShapeError, match="no time axis"):
        pad_images(torch.rand(1, 3, 33, 35), [3, 4, 4])


def test_the_size_of_modalities_is_that_of_the_largest():
    assert image_size({"a": torch.rand(1, 2, 30, 30), "b": torch.rand(1, 1, 16, 60), "c": torch.rand(1, 2)}) == (16, 60)


def test_no_image_is_an_error_that_shows_the_shapes():
    with pytest.raises(ShapeError, match=r"\(1, 2\)"):
        image_size({"a": torch.rand(1, 2)})


@pytest.mark.real
def test_padding_to_twice_the_patch_equals_the_reference(shared):
    (case,) = cases("models", "util.pad_images")
    agreeing = 0
    for run in case["runs"]:
        inputs = load_oracle().make_inputs(run["inputs"])
        patch = inputs["patch_size"]
        twice = [2 * size for size in patch] if isinstance(patch, list) else 2 * patch
        if isinstance(patch, list) and len(patch) == 3:
            twice[0] = patch[0]
        if "raises" in run and run["id"].endswith("tiny"):
            continue  # the reference cannot reflect an image smaller than the padding; here its border is replicated
        if "raises" in run:
            with pytest.raises(ShapeError):
                pad_images(inputs["x"], twice, inputs["padding"])
        elif run["id"].endswith("3d"):
            continue  # an image without a batch axis is left alone there, and padded here
        else:
            result = pad_images(inputs["x"], twice, inputs["padding"])
            assert not differences(run["outputs"], result), run["id"]
        agreeing += 1
    assert agreeing == 12
