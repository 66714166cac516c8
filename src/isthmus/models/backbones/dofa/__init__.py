"""DOFA (arXiv 2403.15356)."""
