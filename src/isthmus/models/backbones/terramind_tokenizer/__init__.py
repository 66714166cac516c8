"""The image tokenizers of TerraMind (arXiv 2504.11171)."""
