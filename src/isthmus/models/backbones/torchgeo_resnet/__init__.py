"""ResNets (arXiv 1512.03385) with weights for Landsat and the Sentinels.

The weights are those of SSL4EO-L (arXiv 2306.09424), SSL4EO-S12 (arXiv 2211.07044), SeCo (arXiv 2103.16607), GASSL
(arXiv 2011.09980) and SatlasPretrain (arXiv 2211.15660) as TorchGeo publishes them, each with the names of torchvision.
"""
