"""Decoders: from features to a map of features."""
