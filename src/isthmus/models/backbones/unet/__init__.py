"""The U-Net (arXiv 1505.04597) as a backbone, in the form that MMSegmentation made known."""
