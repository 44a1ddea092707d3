"""Which executor of a cluster runs a circuit."""

import inspect
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

Selector = Callable[[Any, list[Any]], Any]
NAMES = ("cyclic", "random")


class Cyclic:
    """The next executor for each circuit, in order, for all who use the cluster together."""

    def __init__(self) -> None:
        self._next = 0
        self._lock = threading.Lock()

    def __call__(self, circuit: Any, executors: Sequence[Any]) -> Any:  # noqa: ARG002  # as selectors are called
        with self._lock:
            chosen = executors[self._next % len(executors)]
            self._next += 1
        return chosen

    def __reduce__(self) -> tuple[type["Cyclic"], tuple[()]]:
        return Cyclic, ()


def at_random(circuit: Any, executors: Sequence[Any]) -> Any:  # noqa: ARG001  # as selectors are called
    """An executor by chance."""
    return random.choice(executors)  # noqa: S311  # no secret depends on it


def check(selector: Any) -> None:
    """Refuse what cannot be a selector.

    Raises:
        ValueError: it is neither one of the names nor callable with two positional arguments.

    """
    names = " or ".join(f'"{name}"' for name in NAMES)
    if isinstance(selector, str):
        if selector not in NAMES:
            raise ValueError(f"selector={selector!r} is unknown: give {names}, or a callable")
        return
    if not callable(selector):
        raise ValueError(f"selector={selector!r} is not callable: give {names}, or a callable")
    try:
        inspect.signature(selector).bind(None, [])
    except TypeError as exc:
        wanted = "two positional arguments, a circuit and a list of executors"
        raise ValueError(f"selector={selector!r} cannot be called with {wanted}: {exc}") from exc
    except ValueError:
        return  # a callable of C code that does not tell its parameters
