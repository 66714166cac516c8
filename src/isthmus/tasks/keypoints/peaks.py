"""Peaks of confidence maps; see `isthmus.predictions.peaks`."""

from isthmus.predictions.peaks import REFINEMENTS, find_peaks

__all__ = ["REFINEMENTS", "find_peaks"]
