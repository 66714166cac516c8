"""Classifiers of single pixels, to hold a model against: whatever a network adds must be more than these give."""

from isthmus.baselines.nearest_mean import NearestMean
from isthmus.baselines.threshold import best_threshold, normalized_difference

__all__ = ["NearestMean", "best_threshold", "normalized_difference"]
