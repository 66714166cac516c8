"""Tensors that hold nothing are not filled, and nobody wakes the compiler for it."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from isthmus.filling import SkipFilling


def test_what_holds_values_is_filled_as_ever():
    with SkipFilling():
        layer = nn.Linear(3, 3)
        nn.init.constant_(layer.weight, 2.0)
        filled = torch.empty(2).fill_(1.0)
    assert torch.equal(layer.weight, torch.full((3, 3), 2.0))
    assert torch.equal(filled, torch.ones(2))


@pytest.mark.parametrize(
    "draw", [nn.init.normal_, nn.init.xavier_uniform_, nn.init.kaiming_normal_, nn.init.trunc_normal_, nn.init.zeros_]
)
def test_what_holds_nothing_stays_as_it_is(draw):
    with torch.device("meta"), SkipFilling():
        weight = torch.empty(4, 4)
        assert draw(weight) is weight
        assert (weight.is_meta, weight.shape) == (True, (4, 4))


@pytest.mark.slow
@pytest.mark.parametrize(
    "backbone", ["prithvi_eo_tiny", "clay_v1_5_tiny", "scalemae_base_patch16", "terramind_v1_tiny"]
)
def test_a_plan_does_not_import_the_compiler(backbone):
    program = (
        "import sys; from isthmus.plan import plan\n"
        f"plan({{'backbone': {backbone!r}, 'decoder': 'FCNDecoder', 'num_classes': 2, 'necks': 'auto'}})\n"
        "print(sorted({'torch._dynamo', 'sympy', 'torchvision', 'timm'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"
