"""Convolutional blocks."""
