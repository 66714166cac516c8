"""Whether what callbacks and schedulers watch is logged at all: Lightning notices only after an epoch."""

from collections.abc import Iterator
from typing import Any

from isthmus.config.class_paths import class_nodes
from isthmus.config.sections import arguments_of, task_kind
from isthmus.errors import Fault, did_you_mean

_COUNTERS = ("epoch", "step")
_SPLITS = ("val", "train")


def monitor_faults(config: dict[str, Any]) -> Iterator[Fault]:
    """Every `monitor` that the task does not log."""
    kind = task_kind(config)
    if kind is None:
        return
    names = list(kind.logged(arguments_of(config, "model")))
    logged = [f"{split}/{name}" for split in _SPLITS for name in names]
    known = [*_COUNTERS, *logged]
    for node in class_nodes(config):
        monitor = node.init_args.get("monitor")
        if isinstance(monitor, str) and monitor not in known:
            hint = did_you_mean(monitor, known) or f"; it logs: {', '.join(logged[:7])} and others"
            yield Fault(f"{node.key}.init_args.monitor", f"the task does not log {monitor!r}{hint}")
