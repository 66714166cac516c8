"""The convolutional encoder-decoders as models of their own."""

from isthmus.models.backbones.block_networks.catalog import MODEL, NETWORKS

ENTRIES = tuple(network.entry(MODEL) for network in NETWORKS)
