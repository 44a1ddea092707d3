"""Short texts for values: names of nodes, and what a result shows before anything is fetched."""

import reprlib
from itertools import islice
from typing import Any

LENGTH = 200
"""Characters that a text may have."""

MAX_BITS = 4 * LENGTH
"""Bits of an integer that is written out."""

_CONTAINERS = (list, tuple, set, frozenset, dict)


class _Short(reprlib.Repr):
    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        """In the order of the dictionary: `reprlib` would sort the keys."""
        if level <= 0:
            return "{...}"
        pairs = [
            f"{self.repr1(key, level - 1)}: {self.repr1(x[key], level - 1)}"
            for key in islice(x, self.maxdict)
        ]
        return f"{{{', '.join([*pairs, '...'] if len(x) > self.maxdict else pairs)}}}"


_short = _Short()
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxfrozenset = _short.maxdict = 20
_short.maxstring = _short.maxother = LENGTH


def describe(value: Any) -> str:
    """The value as `str` shows it, cut short; long containers are not walked to their end."""
    kind = type(value)
    if kind is str:
        return str(value[:LENGTH])
    try:
        if kind in _CONTAINERS:
            return _short.repr(value)[:LENGTH]
        if kind is int and value.bit_length() > MAX_BITS:
            return f"<int of {value.bit_length()} bits>"
        return str(value)[:LENGTH]
    except Exception:  # noqa: BLE001  # __str__ is the user's code; a name is not worth failing for
        return f"<{kind.__qualname__}>"


def name_of(function: Any) -> str:
    """What a callable is called."""
    return str(getattr(function, "__name__", None) or type(function).__name__)[:LENGTH]
