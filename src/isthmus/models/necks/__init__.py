"""Necks: what stands between an encoder and a decoder."""
