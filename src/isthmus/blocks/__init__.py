"""Convolutional blocks, the generic encoder-decoder that they make, and four architectures that are instances of it."""

from isthmus._lazy import lazy_exports

__all__ = [
    "DecoderBlock",
    "DenseBottleneckBlock",
    "DenseDownBlock",
    "DenseUpBlock",
    "EncoderBlock",
    "EncoderDecoder",
    "FCDenseNet",
    "IntermediateFeature",
    "LeapCNN",
    "PoolingBlock",
    "ProjectedSumMerge",
    "ResidualBlock",
    "ResidualUpBlock",
    "SimpleConvBlock",
    "SimpleUpsamplingBlock",
    "StackMerge",
    "StackOutput",
    "StackedHourglass",
    "UNet",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "DecoderBlock": "isthmus.blocks.base",
        "DenseBottleneckBlock": "isthmus.blocks.dense",
        "DenseDownBlock": "isthmus.blocks.dense",
        "DenseUpBlock": "isthmus.blocks.dense",
        "EncoderBlock": "isthmus.blocks.base",
        "EncoderDecoder": "isthmus.blocks.encoder_decoder",
        "FCDenseNet": "isthmus.blocks.fc_densenet",
        "IntermediateFeature": "isthmus.blocks.intermediate",
        "LeapCNN": "isthmus.blocks.leap_cnn",
        "PoolingBlock": "isthmus.blocks.simple",
        "ProjectedSumMerge": "isthmus.blocks.residual",
        "ResidualBlock": "isthmus.blocks.residual",
        "ResidualUpBlock": "isthmus.blocks.residual",
        "SimpleConvBlock": "isthmus.blocks.simple",
        "SimpleUpsamplingBlock": "isthmus.blocks.simple_upsampling",
        "StackMerge": "isthmus.blocks.base",
        "StackOutput": "isthmus.blocks.intermediate",
        "StackedHourglass": "isthmus.blocks.stacked_hourglass",
        "UNet": "isthmus.blocks.unet",
    },
)
