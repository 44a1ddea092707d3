"""Which nodes a stored value refers to, so that their values can be fetched together before it is unpickled."""

import io
import pickle
from contextlib import suppress
from typing import Any

from covalent_contracts import transport


class _Takes(type):
    """The type of what is a class, an instance, a function and a container at once, and takes whatever it is given."""

    def __call__(cls, *_: Any, **__: Any) -> "_Takes":
        return cls

    def __setstate__(cls, _: Any) -> None: ...

    def __setitem__(cls, _: Any, __: Any) -> None: ...

    def append(cls, _: Any) -> None:
        """Take an item, as a list does."""

    def extend(cls, _: Any) -> None:
        """Take items, as a list does."""

    def add(cls, _: Any) -> None:
        """Take an item, as a set does."""


class _Anything(metaclass=_Takes):
    """Takes the place of every class and function that a pickle names, and of all that they make."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return cls


class _Finder(pickle.Unpickler):
    """Walks through a pickle without running any code that it names."""

    def __init__(self, body: bytes) -> None:
        super().__init__(io.BytesIO(body))
        self.found: dict[int, None] = {}

    def find_class(self, _module: str, _name: str) -> _Takes:
        return _Anything

    def persistent_load(self, pid: Any) -> _Takes:
        self.found[int(pid)] = None
        return _Anything


def references(data: bytes) -> list[int]:
    """Node ids in a stored value, as far as they can be told; no code of the value runs."""
    _, body = transport.split(data)
    finder = _Finder(body)
    with suppress(Exception):  # an odd pickle: what is not found here is fetched when it is met
        finder.load()
    return list(finder.found)
