"""The block networks as whole models leave PyTorch's eager mode: exported, compiled, and with the channels last."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from isthmus.blocks import FCDenseNet, LeapCNN, StackedHourglass, UNet
from isthmus.blocks.stacked_hourglass import ResidualHourglass
from isthmus.models import BlockModel

NETWORKS = {
    "unet": lambda: UNet(2, 4, down_blocks=3, up_blocks=2, head_channels=3),
    "unet_interpolated": lambda: UNet(2, 4, down_blocks=2, up_blocks=2, up_interpolate=True, head_channels=3),
    "leap_cnn": lambda: LeapCNN(2, 4, down_blocks=2, up_blocks=2, head_channels=3),
    "leap_cnn_published": lambda: LeapCNN.published(2, 3),
    "stacked_hourglass": lambda: StackedHourglass(2, 2, 2, 4, 4, 6, 2, stacks=2, head_channels=3),
    "residual_hourglass": lambda: ResidualHourglass(2, 1, 8, stacks=2, head_channels=3),
    "fc_densenet": lambda: FCDenseNet(2, (2, 2), 2, (2, 2), 4, 8, head_channels=3),
}


def built(name: str) -> BlockModel:
    """A small model whose normalisation has seen some images."""
    torch.manual_seed(0)
    model = BlockModel(NETWORKS[name]()).train()
    with torch.no_grad():
        for _ in range(3):
            model(images(4))
    return model.eval()


def images(batch: int) -> torch.Tensor:
    return torch.randn(batch, 2, 32, 48, generator=torch.Generator().manual_seed(batch))


def exported(model: BlockModel) -> torch.export.ExportedProgram:
    return torch.export.export(model, (images(2),), dynamic_shapes={"x": {0: torch.export.Dim("batch")}})


def outputs(result) -> list[torch.Tensor]:
    return [result.output, *result.auxiliary_heads.values()]


def assert_agree(given: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    assert len(given) == len(expected)
    for one, other in zip(given, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_exported_is_the_same_for_any_batch(name):
    model = built(name)
    program = exported(model).module()
    for batch in (2, 3):
        assert_agree(outputs(program(images(batch))), outputs(model(images(batch))))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_onnx_is_the_same_for_any_batch(name):
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra export is not installed")
    pytest.importorskip("onnxscript", reason="the extra export is not installed")
    model = built(name)
    program = torch.onnx.export(exported(model), dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    for batch in (2, 3):
        given = session.run(None, {session.get_inputs()[0].name: images(batch).numpy()})
        assert_agree([torch.from_numpy(each) for each in given], outputs(model(images(batch))))


@pytest.mark.slow
def test_compiles_without_a_graph_break():
    """In a process of its own: the shapes that are checked in tests cannot be compiled."""
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == list(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_channels_stay_last(name):
    """The same numbers, and no layer on the way that lays the channels first again."""
    model = built(name)
    expected = outputs(model(images(2)))
    model = model.to(memory_format=torch.channels_last)
    first = []

    def look(layer: nn.Module, _: tuple, output: object) -> None:
        if isinstance(output, torch.Tensor) and not output.is_contiguous(memory_format=torch.channels_last):
            first.append(type(layer).__name__)

    for layer in model.modules():
        layer.register_forward_hook(look)
    given = outputs(model(images(2).contiguous(memory_format=torch.channels_last)))
    assert_agree(given, expected)
    assert not first


@torch.no_grad()
def compile_all() -> None:
    """Compile every network, and say which of them agree with eager mode."""
    for name in NETWORKS:
        torch._dynamo.reset()
        model = built(name)
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        assert_agree(outputs(compiled(images(2))), outputs(model(images(2))))
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    compile_all()
