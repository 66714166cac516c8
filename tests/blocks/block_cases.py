"""The recorded cases of the block lineage beside the checkout, and our networks built from them."""

import dataclasses
import functools
import json
import math
from pathlib import Path

import numpy as np
import torch
from oracle import SHARED
from torch import nn

from isthmus.blocks import EncoderDecoder, LeapCNN, PoolingBlock, SimpleConvBlock, SimpleUpsamplingBlock, UNet
from isthmus.blocks.hourglass_blocks import HourglassDownBlock, HourglassStemBlock, HourglassUpBlock
from isthmus.blocks.simple_upsampling import UpsamplingModule
from isthmus.blocks.stacked_hourglass import StackedHourglass
from isthmus.weights.sleap.hdf5 import laid_out
from isthmus.weights.sleap.names import KerasWeight, backbone_layer, layer_in_block, weight_names
from isthmus.weights.sleap.network import SleapNetwork, network_weights
from isthmus.weights.sleap.outputs import HeadSettings

FOLDER = SHARED / "oracle" / "blocks"

ARCHITECTURES = {"UNet": UNet, "LeapCNN": LeapCNN, "Hourglass": StackedHourglass}
RECORDS = {
    "SimpleConvBlock": SimpleConvBlock,
    "SimpleUpsamplingBlock": SimpleUpsamplingBlock,
    "PoolingBlock": PoolingBlock,
    "hourglass.StemBlock": HourglassStemBlock,
    "hourglass.DownsamplingBlock": HourglassDownBlock,
    "hourglass.UpsamplingBlock": HourglassUpBlock,
}
PREFIXES = {
    "SimpleConvBlock": "conv_block",
    "SimpleUpsamplingBlock": "upsample",
    "hourglass.StemBlock": "stem",
    "hourglass.DownsamplingBlock": "downsample",
    "hourglass.UpsamplingBlock": "upsample",
}
HEAD_CHANNELS = {
    "SingleInstanceConfmapsHead": lambda head: len(head["part_names"]),
    "CenteredInstanceConfmapsHead": lambda head: len(head["part_names"]),
    "OffsetRefinementHead": lambda head: 2 * len(head["part_names"]),
    "ClassMapsHead": lambda head: len(head["classes"]),
    "ClassVectorsHead": lambda head: len(head["classes"]),
}
ACTIVATIONS = {"ClassMapsHead": "sigmoid", "ClassVectorsHead": "softmax"}


@functools.cache
def all_cases() -> dict[str, dict]:
    """Every recorded case by its id; empty where the recordings are not there."""
    path = FOLDER / "cases.json"
    held = json.loads(path.read_text(encoding="utf-8"))["cases"] if path.is_file() else []
    return {case["id"]: case for case in held}


def ids(*kinds: str) -> list[str]:
    """The ids of the cases of some kinds."""
    return [name for name, case in all_cases().items() if case["kind"] in kinds]


def numeric_ids() -> list[str]:
    """The ids of the cases with recorded numbers."""
    return sorted(path.stem for path in (FOLDER / "npz").glob("*.npz"))


def record(block: dict, compat: bool):
    """A block as it was recorded; `compat` makes it do what SLEAP does against its documentation."""
    settings = {key: value for key, value in block.items() if key != "type"}
    if compat and block["type"] == "SimpleUpsamplingBlock":
        settings["sleap_compat"] = True
    return RECORDS[block["type"]](**settings)


class Custom(EncoderDecoder):
    """A network of any blocks."""

    def __init__(self, in_channels, stem=None, enc=(), dec=(), stacks=1, *, compat=False, **settings):
        self.records = [part and [record(block, compat) for block in part] for part in (stem, enc, dec)]
        super().__init__(in_channels, stacks, **settings)

    @property
    def stem_stack(self):
        return self.records[0]

    @property
    def encoder_stack(self):
        return self.records[1]

    @property
    def decoder_stack(self):
        return self.records[2]


def architecture(name: str, compat: bool) -> type[EncoderDecoder]:
    """One of the architectures; `compat` makes its blocks do what SLEAP's do against their documentation."""
    plain = ARCHITECTURES[name]
    if not compat:
        return plain

    class Compatible(plain):
        @property
        def decoder_stack(self):
            return [dataclasses.replace(block, sleap_compat=True) for block in super().decoder_stack]

    return Compatible


class Backbone(nn.Module):
    """A recorded network: its outputs and features, with the Keras name of every layer."""

    def __init__(self, case: dict, compat: bool):
        super().__init__()
        settings = dict(case["kwargs"])
        in_channels = case["input_shape"][-1]
        input_stride = case["make_backbone_kwargs"].get("current_stride", 1)
        if case["arch"] == "Custom":
            self.network = Custom(in_channels, **settings, compat=compat, input_stride=input_stride)
        elif case["via"] == "from_config":
            self.network = architecture(case["arch"], compat).from_config(in_channels, **settings)
        else:
            self.network = architecture(case["arch"], compat)(in_channels, **settings, input_stride=input_stride)

    def layer(self, path: str) -> str:
        return backbone_layer(self.network, path.removeprefix("network."))

    def forward(self, x):
        results = self.network(x)
        return [result.output for result in results], [feature for result in results for feature in result.features]


class Block(nn.Module):
    """A recorded block on its own."""

    def __init__(self, case: dict, compat: bool):
        super().__init__()
        block, skip = record(case["block"], compat), case["skip_shape"]
        arguments = [case["input_shape"][-1]]
        if isinstance(block, (SimpleUpsamplingBlock, HourglassUpBlock)):
            arguments.append(skip and skip[-1])
        self.block = block.build(*arguments)
        self.prefix = case["make_block_kwargs"].get("prefix", PREFIXES[case["block"]["type"]])
        if stride := case["make_block_kwargs"].get("current_stride"):
            self.prefix += f"_s{stride}_to_s{stride // block.upsampling_stride}"

    def layer(self, path: str) -> str:
        return f"{self.prefix}_{layer_in_block(path.removeprefix('block.'))}"

    def forward(self, *inputs):
        return [self.block(*inputs)], []


class UpsamplingStack(nn.Module):
    """SLEAP's stack of upsampling steps, said in records of the generic block."""

    def __init__(self, case: dict, compat: bool):
        super().__init__()
        given = {"upsampling_stride": 2, "transposed_conv": True, "skip_add": False, **case["kwargs"]}
        step, stride = given["upsampling_stride"], case["current_stride"]
        skips = {at: channels for at, *_, channels in case["skips"] or []}
        channels = case["input_shape"][-1]
        self.steps = nn.ModuleList()
        self.strides, self.sources = [stride], []
        for index in range(round(math.log(stride / given["output_stride"], step))):
            block = SimpleUpsamplingBlock(
                upsampling_stride=step,
                transposed_conv=given["transposed_conv"],
                transposed_conv_kernel_size=4,
                transposed_conv_filters=self.grown(given, "transposed_conv", index),
                skip_connection=True,
                skip_add=given["skip_add"],
                refine_convs=given.get("refine_convs", 2),
                refine_convs_filters=self.grown(given, "refine_convs", index),
                sleap_compat=compat,
            )
            stride //= step
            self.steps.append(block.build(channels, skips.get(stride)))
            self.strides.append(stride)
            self.sources.append(list(skips).index(stride) if stride in skips else None)
            channels = self.steps[-1].out_channels

    @staticmethod
    def grown(given: dict, what: str, index: int) -> int:
        return int(given.get(f"{what}_filters", 64) * given.get(f"{what}_filters_rate", 1) ** index)

    def layer(self, path: str) -> str:
        _, index, *rest = path.split(".")
        coarse, fine = self.strides[int(index) : int(index) + 2]
        name = layer_in_block(".".join(rest)).replace("trans_conv_bn", "bn")
        for number in range(9):
            name = name.replace(f"refine_conv{number}_bn", f"refine{number}_bn")
            name = name.replace(f"refine_conv{number}", f"refine{number}_conv")
        return f"upsample_s{coarse}_to_s{fine}_{name}"

    def forward(self, x, *skips):
        features = [(x, self.strides[0])]
        for step, stride, source in zip(self.steps, self.strides[1:], self.sources, strict=True):
            assert isinstance(step, UpsamplingModule)
            x = step(x, None if source is None else skips[source])
            features.append((x, stride))
        return [x], features


class Model(nn.Module):
    """A recorded network with heads."""

    def __init__(self, case: dict, compat: bool):
        super().__init__()
        backbone = ARCHITECTURES[case["backbone"]["arch"]](case["input_shape"][-1], **case["backbone"]["kwargs"])
        self.network = SleapNetwork(backbone, [head_settings(head) for head in case["heads"]])
        self.names = network_weights(self.network, [])

    def layer(self, path: str) -> str:
        return self.names[f"{path.removeprefix('network.')}.weight"].layer

    def forward(self, x):
        return list(self.network(x).values()), []


def head_settings(head: dict) -> HeadSettings:
    """A head as it was recorded."""
    dense = (head["num_fc_units"],) * head["num_fc_layers"] if "num_fc_layers" in head else None
    return HeadSettings(
        name=head["type"],
        channels=HEAD_CHANNELS[head["type"]](head),
        output_stride=head["output_stride"],
        activation=ACTIVATIONS.get(head["type"], "linear"),
        dense_units=dense,
        global_pool=head.get("global_pool", True),
    )


KINDS = {"backbone": Backbone, "block": Block, "upsampling_stack": UpsamplingStack, "model": Model}


def build(name: str, *, compat: bool) -> nn.Module:
    """Our network for a case."""
    case = all_cases()[name]
    return KINDS[case["kind"]](case, compat)


def keras_names(module: nn.Module) -> dict[str, KerasWeight]:
    """The Keras name of every parameter and running statistic of a network for a case."""
    return {
        f"{path}.{own}": KerasWeight(module.layer(path), weight)
        for path, layer in module.named_modules()
        for own, weight in weight_names(layer).items()
    }


class Numbers:
    """The recorded numbers of a case, laid out as PyTorch has them."""

    def __init__(self, path: Path):
        with np.load(path) as file:
            self.held = {key: file[key] for key in file.files}

    def images(self, stem: str) -> list[torch.Tensor]:
        """The tensors called stem0, stem1, ... as (batch, channels, height, width)."""
        found = []
        while f"{stem}{len(found)}" in self.held:
            value = torch.from_numpy(self.held[f"{stem}{len(found)}"])
            found.append(value.permute(0, 3, 1, 2).contiguous() if value.ndim == 4 else value)
        return found

    def weights(self) -> dict[KerasWeight, torch.Tensor]:
        """The weights before training."""
        return {
            KerasWeight(*key.split("/")[1:]): laid_out(torch.from_numpy(value))
            for key, value in self.held.items()
            if key[:1] == "w" and key[1:5].isdigit()
        }

    def under(self, prefix: str) -> dict[KerasWeight, torch.Tensor]:
        """What was recorded for weights, as "grad" or "after_train"."""
        return {
            KerasWeight(*key.split("/")[1:]): laid_out(torch.from_numpy(value))
            for key, value in self.held.items()
            if key.startswith(f"{prefix}/")
        }
