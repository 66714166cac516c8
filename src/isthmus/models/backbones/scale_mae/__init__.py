"""Scale-MAE (arXiv 2212.14532)."""
