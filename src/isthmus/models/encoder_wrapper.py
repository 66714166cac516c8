"""Something around an encoder that is an encoder itself."""

from abc import ABC, abstractmethod
from typing import Any

from torch import nn


class EncoderWrapper(nn.Module, ABC):
    """An encoder around another one: what it does not say itself (`in_channels`, `bands`, ...) the other one says."""

    @property
    @abstractmethod
    def wrapped(self) -> nn.Module:
        """The encoder inside."""

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            # without its parts, as while it is copied, it has nobody to ask
            if name.startswith("_") or not self.__dict__.get("_modules"):
                raise
            return getattr(self.wrapped, name)
