"""Names for parts: registries, the sources behind them, and plug-ins.

A registry knows a name, where its constructor lives and some facts about it, and imports nothing until it is asked to
build. `BACKBONE_REGISTRY` and its siblings ask several sources: the parts of Isthmus (and of its plug-ins), timm,
segmentation-models-pytorch and mmsegmentation.

A plug-in package registers its parts in an entry-point group, `isthmus.backbones`, `isthmus.necks`,
`isthmus.decoders`, `isthmus.factories` or `isthmus.models`; the name of the entry point becomes the name of the part.
"""

from itertools import chain

from isthmus.registry.catalog import decoders, factories, necks, purposes
from isthmus.registry.discovery import declared_below, declared_in
from isthmus.registry.entry import Entry
from isthmus.registry.multi import MultiSourceRegistry, Source
from isthmus.registry.plugins import plugin_entries
from isthmus.registry.registry import Registry
from isthmus.registry.sources import mmseg_decoders, smp_decoders, smp_encoders, timm_backbones

ISTHMUS_BACKBONE_REGISTRY = Registry(
    "backbone",
    chain(
        declared_below("isthmus.models.backbones", "catalog"),
        plugin_entries("isthmus.backbones"),
    ),
)
ISTHMUS_NECK_REGISTRY = Registry("neck", chain(necks.ENTRIES, plugin_entries("isthmus.necks")))
ISTHMUS_DECODER_REGISTRY = Registry("decoder", chain(decoders.ENTRIES, plugin_entries("isthmus.decoders")))
ISTHMUS_FULL_MODEL_REGISTRY = Registry(
    "full model",
    chain(declared_below("isthmus.models.backbones", "model_catalog"), plugin_entries("isthmus.models")),
)

BACKBONE_REGISTRY = MultiSourceRegistry(
    "backbone", isthmus=ISTHMUS_BACKBONE_REGISTRY, timm=timm_backbones(), smp=smp_encoders()
)
NECK_REGISTRY = MultiSourceRegistry("neck", isthmus=ISTHMUS_NECK_REGISTRY)
DECODER_REGISTRY = MultiSourceRegistry(
    "decoder", isthmus=ISTHMUS_DECODER_REGISTRY, smp=smp_decoders(), mmseg=mmseg_decoders()
)
FULL_MODEL_REGISTRY = MultiSourceRegistry("full model", isthmus=ISTHMUS_FULL_MODEL_REGISTRY)
MODEL_FACTORY_REGISTRY = Registry("model factory", chain(factories.ENTRIES, plugin_entries("isthmus.factories")))

PURPOSE_REGISTRY = Registry("purpose", purposes.ENTRIES)
HEAD_REGISTRY = Registry("head", chain(declared_in("isthmus.models.heads.catalog"), plugin_entries("isthmus.heads")))
TASK_REGISTRY = Registry("task", chain(declared_below("isthmus.tasks", "declaration"), plugin_entries("isthmus.tasks")))
LOSS_REGISTRY = Registry("loss", chain(declared_in("isthmus.tasks.losses.catalog"), plugin_entries("isthmus.losses")))
METRIC_REGISTRY = Registry("metric", plugin_entries("isthmus.metrics"))
DATAMODULE_REGISTRY = Registry(
    "datamodule", chain(declared_in("isthmus.datamodules.catalog"), plugin_entries("isthmus.datamodules"))
)

__all__ = [
    "BACKBONE_REGISTRY",
    "DATAMODULE_REGISTRY",
    "DECODER_REGISTRY",
    "FULL_MODEL_REGISTRY",
    "HEAD_REGISTRY",
    "ISTHMUS_BACKBONE_REGISTRY",
    "ISTHMUS_DECODER_REGISTRY",
    "ISTHMUS_FULL_MODEL_REGISTRY",
    "ISTHMUS_NECK_REGISTRY",
    "LOSS_REGISTRY",
    "METRIC_REGISTRY",
    "MODEL_FACTORY_REGISTRY",
    "NECK_REGISTRY",
    "PURPOSE_REGISTRY",
    "TASK_REGISTRY",
    "Entry",
    "MultiSourceRegistry",
    "Registry",
    "Source",
]
