"""Parameter-efficient tuning: adapters of the package `peft` in any encoder, kept, switched and merged."""

from isthmus._lazy import lazy_exports

__all__ = ["AdaptedEncoder", "load_adapter", "merge_adapters", "save_adapter", "use_adapter"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AdaptedEncoder": "isthmus.models.adapters.adapted_encoder",
        "load_adapter": "isthmus.models.adapters.loading",
        "merge_adapters": "isthmus.models.adapters.merging",
        "save_adapter": "isthmus.models.adapters.files",
        "use_adapter": "isthmus.models.adapters.switching",
    },
)
