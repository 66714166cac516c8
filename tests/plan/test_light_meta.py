"""Running on `meta` without waking PyTorch's compiler."""

import subprocess
import sys

import pytest

PLAN = """
import sys, torch
from isthmus.plan import plan
arguments = dict(backbone="prithvi_eo_v2_300_tl", backbone_num_frames=3, decoder="UperNetDecoder", num_classes=3, necks="auto")
result = plan(arguments, image_size=(96, 160))
woken = [name for name in ("torch._dynamo", "sympy", "torch.fx.experimental.symbolic_shapes") if name in sys.modules]
assert woken == [], woken
"""
AFTERWARDS = """
import torch._dynamo
assert torch._dynamo.__file__
again = plan(arguments, image_size=(96, 160))
assert again.to_dict() == result.to_dict()
compiled = torch.compile(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.GELU()), backend="eager", fullgraph=True)
assert compiled(torch.ones(2, 3)).shape == (2, 4)
"""


@pytest.mark.slow
def test_a_plan_leaves_the_compiler_asleep_and_unharmed():
    subprocess.run([sys.executable, "-c", PLAN + AFTERWARDS], check=True, timeout=300)
