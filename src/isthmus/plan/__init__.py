"""The plan of a composition, made before it costs anything: `plan(config)` gives a `Plan`."""

from isthmus._lazy import lazy_exports

__all__ = ["Plan", "Stage", "check_encoder", "plan"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Plan": "isthmus.plan.result",
        "Stage": "isthmus.plan.trace",
        "check_encoder": "isthmus.plan.contract",
        "plan": "isthmus.plan.planning",
    },
)
