"""Keep the garbage collector away while a workflow compiles.

Compiling makes a million objects, none of them in a circle, and all are needed until it ends. The collector would
walk them again and again as they become more, which takes as long as half of the compilation.
"""

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def uncollected(call: Callable[_P, _R]) -> Callable[_P, _R]:
    """The same function; the collector rests while it runs, and is afterwards as it was before."""

    @wraps(call)
    def resting(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not gc.isenabled():
            return call(*args, **kwargs)
        gc.disable()
        try:
            return call(*args, **kwargs)
        finally:
            gc.enable()

    return resting
