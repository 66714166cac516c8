"""What the tests of blocks share."""

import jaxtyping
import pytest
import torch


@pytest.fixture
def untyped():
    """For compilers: no check of shapes and types, which they cannot look through, and no memory of other networks."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)  # noqa: FBT003
    torch.compiler.reset()
    yield
    torch.compiler.reset()
    jaxtyping.config.update("jaxtyping_disable", before)
