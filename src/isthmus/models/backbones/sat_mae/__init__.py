"""SatMAE (arXiv 2207.08051)."""
