"""The contract of an encoder, held against the backbone of this package."""

import pytest
from isthmus_example.plain_stack import PlainStack

from isthmus.plan import check_encoder


@pytest.mark.parametrize("arguments", [{}, {"in_chans": 7, "widths": (4, 8, 16)}])
def test_it_is_a_sound_encoder(arguments):
    check_encoder(PlainStack(**arguments))
