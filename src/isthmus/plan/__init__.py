"""The plan of a composition, made before it costs anything: `plan(config)` gives a `Plan`."""

from isthmus._lazy import lazy_exports

__all__ = ["Plan", "Stage", "plan"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {"Plan": "isthmus.plan.result", "Stage": "isthmus.plan.trace", "plan": "isthmus.plan.planning"},
)
