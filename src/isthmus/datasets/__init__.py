"""Datasets: files on disk as samples."""
