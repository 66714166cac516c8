"""TerraMind (arXiv 2504.11171): one transformer over the tokens of several modalities."""
