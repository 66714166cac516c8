"""Losses, by what they compare; their names are in the catalog beside them."""
