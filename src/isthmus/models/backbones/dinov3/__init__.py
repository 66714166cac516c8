"""DINOv3 (arXiv 2508.10104), with the weights as Meta and as timm publish them."""
