"""Factories: from names and arguments to a model."""
