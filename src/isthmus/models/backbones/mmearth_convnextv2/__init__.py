"""The ConvNeXt V2 of MMEarth (arXiv 2405.02771)."""
