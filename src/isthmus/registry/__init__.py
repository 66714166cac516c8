"""Names for parts and kinds: registries, the sources behind them, and plug-ins.

A registry knows a name, where its constructor lives and some facts about it, and imports nothing until it is asked to
build. `BACKBONE_REGISTRY` and its siblings ask several sources: the parts of Isthmus (and of its plug-ins), timm,
segmentation-models-pytorch and mmsegmentation. What more must be known of a kind of thing than its name is said by its
declaration; see `isthmus.registry.kinds`.

A plug-in package registers what it brings in an entry-point group: `isthmus.backbones`, `isthmus.necks`,
`isthmus.decoders`, `isthmus.heads`, `isthmus.models`, `isthmus.factories`, `isthmus.purposes`, `isthmus.tasks`,
`isthmus.losses`, `isthmus.metrics`, `isthmus.datamodules` or `isthmus.callbacks`; see `isthmus.registry.plugins`.
"""

from collections.abc import Iterable

from isthmus.registry.catalog import purposes
from isthmus.registry.discovery import declared_below, declared_in
from isthmus.registry.entry import Entry
from isthmus.registry.kinds import (
    DatamoduleKind,
    HeadKind,
    LossKind,
    MetricKind,
    NeckKind,
    Purpose,
    TaskKind,
)
from isthmus.registry.multi import MultiSourceRegistry, Source
from isthmus.registry.plugins import with_plugins
from isthmus.registry.registry import Registry
from isthmus.registry.sources import (
    lightning_callbacks,
    mmseg_decoders,
    smp_decoders,
    smp_encoders,
    timm_backbones,
)


def _open_to_plugins(kind: str, group: str, catalog: Iterable[Entry], entry_type: type[Entry] = Entry) -> Registry:
    return Registry(kind, with_plugins(f"isthmus.{group}", catalog, entry_type), entry_type)


_BACKBONES = "isthmus.models.backbones"
ISTHMUS_BACKBONE_REGISTRY = _open_to_plugins("backbone", "backbones", declared_below(_BACKBONES, "catalog"))
ISTHMUS_NECK_REGISTRY = _open_to_plugins("neck", "necks", declared_in("isthmus.models.necks.catalog"), NeckKind)
ISTHMUS_DECODER_REGISTRY = _open_to_plugins("decoder", "decoders", declared_in("isthmus.models.decoders.catalog"))
ISTHMUS_FULL_MODEL_REGISTRY = _open_to_plugins("full model", "models", declared_below(_BACKBONES, "model_catalog"))

BACKBONE_REGISTRY = MultiSourceRegistry(
    "backbone", isthmus=ISTHMUS_BACKBONE_REGISTRY, timm=timm_backbones(), smp=smp_encoders()
)
NECK_REGISTRY = MultiSourceRegistry("neck", isthmus=ISTHMUS_NECK_REGISTRY)
DECODER_REGISTRY = MultiSourceRegistry(
    "decoder", isthmus=ISTHMUS_DECODER_REGISTRY, smp=smp_decoders(), mmseg=mmseg_decoders()
)
FULL_MODEL_REGISTRY = MultiSourceRegistry("full model", isthmus=ISTHMUS_FULL_MODEL_REGISTRY)
MODEL_FACTORY_REGISTRY = _open_to_plugins("model factory", "factories", declared_in("isthmus.models.factories.catalog"))

PURPOSE_REGISTRY = _open_to_plugins("purpose", "purposes", purposes.ENTRIES, Purpose)
HEAD_REGISTRY = _open_to_plugins("head", "heads", declared_in("isthmus.models.heads.catalog"), HeadKind)
TASK_REGISTRY = _open_to_plugins("task", "tasks", declared_below("isthmus.tasks", "declaration"), TaskKind)
LOSS_REGISTRY = _open_to_plugins("loss", "losses", declared_in("isthmus.tasks.losses.catalog"), LossKind)
METRIC_REGISTRY = _open_to_plugins("metric", "metrics", (), MetricKind)
DATAMODULE_REGISTRY = _open_to_plugins(
    "datamodule", "datamodules", declared_in("isthmus.datamodules.catalog"), DatamoduleKind
)
CALLBACK_REGISTRY = MultiSourceRegistry(
    "callback", isthmus=_open_to_plugins("callback", "callbacks", ()), lightning=lightning_callbacks()
)

__all__ = [
    "BACKBONE_REGISTRY",
    "CALLBACK_REGISTRY",
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
