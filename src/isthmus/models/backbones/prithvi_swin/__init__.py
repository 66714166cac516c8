"""Prithvi-Swin: the hierarchical encoders of the Prithvi family."""
