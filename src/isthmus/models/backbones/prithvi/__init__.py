"""Prithvi-EO-1.0 (arXiv 2310.18660) and Prithvi-EO-2.0 (arXiv 2412.02732)."""
