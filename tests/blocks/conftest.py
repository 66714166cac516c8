"""What the tests of blocks share."""

import jaxtyping
import pytest


@pytest.fixture
def untyped():
    """Without the check of shapes and types, which a compiler cannot look through."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)  # noqa: FBT003
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
