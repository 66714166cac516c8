"""Spectral indices and their best threshold."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.baselines import best_threshold, normalized_difference


def test_normalized_difference():
    first, second = np.array([3, 1, 0, -2], np.int16), np.array([1, 3, 0, 2], np.int16)
    np.testing.assert_array_equal(normalized_difference(first, second), np.float32([0.5, -0.5, 0, 0]))


def test_the_difference_of_large_integers_does_not_overflow():
    assert normalized_difference(np.array([30_000], np.int16), np.array([10_000], np.int16)) == np.float32(0.5)


def test_a_perfect_index_scores_one():
    threshold, score = best_threshold(np.array([-0.5, -0.2, 0.3, 0.6]), np.array([False, False, True, True]))
    assert score == 1
    assert -0.2 <= threshold < 0.3


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_it_is_the_best_of_all_candidates(seed, size):
    rng = np.random.default_rng(seed)
    index, positive = np.round(rng.uniform(-1, 1, size), 1), rng.random(size) < 0.4
    candidates = np.linspace(-1, 1, 21)

    def score(threshold):
        above = index > threshold
        return (above & positive).sum() / max((above | positive).sum(), 1)

    threshold, best = best_threshold(index, positive, candidates)
    assert np.isclose(best, max(map(score, candidates)))
    assert np.isclose(best, score(threshold))
