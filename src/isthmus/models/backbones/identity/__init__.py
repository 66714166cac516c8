"""The backbone that does nothing."""
