"""Datamodules: datasets as batches."""
