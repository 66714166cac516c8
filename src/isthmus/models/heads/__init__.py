"""Heads: from features to predictions."""
