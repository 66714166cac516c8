"""Regression: quantities of every pixel."""
