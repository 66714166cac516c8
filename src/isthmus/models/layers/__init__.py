"""Layers that families of backbones share, and what they have in common beside them."""
