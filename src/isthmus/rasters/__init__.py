"""Rasters on disk: their headers, their pixels, and files written whole."""
