"""Convolutional blocks, the generic encoder-decoder that they make, and four architectures that are instances of it."""

from isthmus._lazy import lazy_exports

__all__ = [
    "DecoderBlock",
    "EncoderBlock",
    "EncoderDecoder",
    "IntermediateFeature",
    "LeapCNN",
    "PoolingBlock",
    "SimpleConvBlock",
    "SimpleUpsamplingBlock",
    "StackMerge",
    "StackOutput",
    "UNet",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "DecoderBlock": "isthmus.blocks.base",
        "EncoderBlock": "isthmus.blocks.base",
        "EncoderDecoder": "isthmus.blocks.encoder_decoder",
        "IntermediateFeature": "isthmus.blocks.intermediate",
        "LeapCNN": "isthmus.blocks.leap_cnn",
        "PoolingBlock": "isthmus.blocks.simple",
        "SimpleConvBlock": "isthmus.blocks.simple",
        "SimpleUpsamplingBlock": "isthmus.blocks.simple_upsampling",
        "StackMerge": "isthmus.blocks.base",
        "StackOutput": "isthmus.blocks.intermediate",
        "UNet": "isthmus.blocks.unet",
    },
)
