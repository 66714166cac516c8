"""The small vision transformers (arXiv 2010.11929) with weights for Landsat and Sentinel-2.

The weights are those of SSL4EO-L (arXiv 2306.09424) and SSL4EO-S12 (arXiv 2211.07044) as TorchGeo publishes them.
"""
