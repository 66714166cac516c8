"""A demonstration that needs no data: a landscape is drawn, learned from and mapped."""

from isthmus._lazy import lazy_exports

__all__ = ["DemoReport", "Landscape", "draw_landscape", "run"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "DemoReport": "isthmus.demo.running",
        "Landscape": "isthmus.demo.landscape",
        "draw_landscape": "isthmus.demo.landscape",
        "run": "isthmus.demo.running",
    },
)
