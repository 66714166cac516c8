"""The convolutional encoder-decoders of `isthmus.blocks`, as encoders and as models of their own."""
