"""Published weights: found, read, fitted to a model, with a report."""
