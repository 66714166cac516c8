"""A model as data: what `model_args` say, taken apart once and checked as a whole; without torch."""

from isthmus.composition.composition import DEFAULT_FACTORY, DEFAULT_PURPOSE, WEIGHT_ARGUMENTS, Composition
from isthmus.composition.parts import Branch, Part

__all__ = ["DEFAULT_FACTORY", "DEFAULT_PURPOSE", "WEIGHT_ARGUMENTS", "Branch", "Composition", "Part"]
