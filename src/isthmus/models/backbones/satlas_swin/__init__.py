"""The Swin transformers v2 (arXiv 2111.09883) of SatlasPretrain (arXiv 2211.15660), with the names of torchvision."""
