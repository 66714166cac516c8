"""The configuration: reading it, putting it together, and finding every fault before anything heavy is imported.

A configuration has the shape of LightningCLI's: `seed_everything`, `trainer`, `model` and `data` (each a `class_path`
with `init_args`), `optimizer`, `lr_scheduler`. Nothing here imports torch.
"""

from isthmus._lazy import lazy_exports

__all__ = ["apply_overrides", "check_config", "load_config", "merge_configs", "qualify_class_paths"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "apply_overrides": "isthmus.config.merging",
        "check_config": "isthmus.config.check",
        "load_config": "isthmus.config_file",
        "merge_configs": "isthmus.config.merging",
        "qualify_class_paths": "isthmus.config.class_paths",
    },
)
