"""OlmoEarth v1 (arXiv 2511.13655)."""
