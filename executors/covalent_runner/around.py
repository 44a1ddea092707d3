"""An electron's function with what runs around it, for an executor that may take it anywhere.

Elsewhere there may be nothing but Python and cloudpickle, so hooks are pickled by value. Only what asks for packages
(`DepsPip`) needs Covalent there, to install them.
"""

import pickle
import re
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import cloudpickle

import covalent_contracts
import covalent_runner
from covalent_contracts import attachments
from covalent_contracts.hooks import Call, Hooks
from covalent_runner.hooking import make_calls, run_commands

_HERE = uuid4().hex
"""This process and its forks: they find the packages of the electron installed."""
_OURS = (covalent_contracts, covalent_runner)
_NAMES_COVALENT = re.compile(rb"\x8c(?:\x08covalent|.covalent(?:\.|_contracts))", re.DOTALL)
"""A short text in a pickle that is a module of Covalent's, or a name in code that imports one."""
_BY_NAME = ("__name__", "__qualname__", "__doc__", "__module__")


def names_covalent(data: bytes) -> bool:
    """Whether something pickled refers to Covalent itself: only then it may leave something beside its output."""
    return _NAMES_COVALENT.search(data) is not None


def wrapped(
    function: Callable[..., Any], hooks: Hooks, *, may_attach: bool = False
) -> Callable[..., Any]:
    """The function as an executor gets it: itself, if nothing runs around it.

    may_attach: whether it may leave something beside its output, which has to come back with that.
    """
    return Around(function, hooks, may_attach=may_attach) if hooks or may_attach else function


class Around:
    """A function with its hooks: commands, packages, calls before, the function, calls after.

    It has the function's name, and its signature.
    """

    def __init__(
        self, function: Callable[..., Any], hooks: Hooks, *, may_attach: bool = False
    ) -> None:
        self.__wrapped__ = function
        self._parts = (function, tuple(hooks.bash), tuple(hooks.pip), hooks.before, hooks.after)
        self._collects = attachments.process() if may_attach else ""
        for name in _BY_NAME:
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it here, or in a fork."""
        return _carrying(self._collects, lambda: call(_HERE, self._parts, args, kwargs))

    def __reduce__(self) -> tuple[Any, ...]:
        parts = _HERE, self._parts, self._collects
        for each in _OURS:
            cloudpickle.register_pickle_by_value(each)
        try:
            return pickle.loads, (cloudpickle.dumps(_elsewhere(*parts)),)
        finally:
            for each in _OURS:
                cloudpickle.unregister_pickle_by_value(each)


def _is_here(here: str) -> bool:
    """Whether this is process `here`. Elsewhere this function runs with the globals that it has brought along."""
    try:
        from covalent_runner import around  # noqa: PLC0415, PLW0406  # by name, where it runs
    except ImportError:
        return False
    return here == around._HERE


_Parts = tuple[Callable[..., Any], tuple[str, ...], tuple[str, ...], Sequence[Call], Sequence[Call]]


def _elsewhere(here: str, parts: _Parts, collects: str) -> Callable[..., Any]:
    def electron(*args: Any, **kwargs: Any) -> Any:
        return _carrying(collects, lambda: call(here, parts, args, kwargs))

    return electron


def _carrying(collects: str, run: Callable[[], Any]) -> Any:
    """Run it; what it leaves beside its value comes with that, unless process `collects` is this one."""
    if not collects:
        return run()
    try:
        from covalent_contracts import attachments  # noqa: PLC0415  # by name, where it runs
    except ImportError:  # then nothing that leaves something is there either
        return run()
    if collects == attachments.process():
        return run()
    with attachments.collected() as collector, attachments.carried_by_errors(collector):
        value = run()
    data = collector.dump()
    return attachments.Carried(value, data) if data else value


def call(here: str, parts: _Parts, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run commands, install packages unless process `here` is this one, call before, the function, and after."""
    function, bash, packages, before, after = parts
    run_commands(bash)
    if not packages or _is_here(here):
        output = function(*args, **(kwargs | make_calls(before)))
        make_calls(after)
        return output
    from covalent_runner.packages import installed  # noqa: PLC0415  # by name, where it runs

    with installed(packages):
        output = function(*args, **(kwargs | make_calls(before)))
        make_calls(after)
    return output
