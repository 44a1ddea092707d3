"""The parts of a lattice as bytes; each distinct part is pickled once.

function   the plain user function; modules of the user's own, and those of `DepsModule`, by value
hooks      `covalent_contracts.hooks.Hooks`: plain functions and strings, so that a runner needs the contracts only
value      as captured when the electron was called
"""

from __future__ import annotations

import pickletools
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from covalent._workflow.capture import HoldsElectron
from covalent._workflow.depsbash import DepsBash
from covalent._workflow.depsmodule import DepsModule
from covalent._workflow.depspip import DepsPip
from covalent._workflow.own_modules import by_value, pickle_with_own_modules
from covalent._workflow.transportable_object import TransportableObject
from covalent_contracts import pickling, transport
from covalent_contracts.errors import InvalidWorkflow, UnpicklableValue
from covalent_contracts.hooks import Call, Hooks
from covalent_contracts.ids import digest_of

if TYPE_CHECKING:
    from covalent._dispatch.assets import Assets
    from covalent._workflow.deps import Deps

_Hooks = Mapping[str, Any] | None


class Pickles:
    """Pickles parts into `assets` and gives their digests."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._known: dict[Any, str] = {}
        self._kept: list[Any] = []
        self._naming: dict[str, bool] = {}

    def need_sdk(self, *digests: str | None) -> bool:
        """Whether one of these functions and hooks names Covalent itself."""
        return any(self._naming.get(digest, False) for digest in digests if digest)

    def function(self, function: Callable[..., Any], hooks: _Hooks, what: str) -> str:
        """The digest of an electron's function; `what` names it in messages."""
        modules: list[DepsModule] = hooks["deps"].get("module", []) if hooks else []
        key = (id(function), tuple(each.module_name for each in modules))
        return self._code(key, function, lambda: _with_modules(function, modules, what))

    def hooks(self, hooks: _Hooks, what: str) -> str | None:
        """The digest of what runs around an electron; None if nothing does."""
        if hooks is None:
            return None
        wire = hooks_on_the_wire(hooks)
        if not wire:
            return None
        return self._code(id(hooks), hooks, lambda: pickled(wire, f"the dependencies of {what}"))

    def executor(self, key: Any, executor: Any, make: Callable[[], bytes]) -> str:
        """The digest of an executor that travels as an object."""
        return self._once(key, executor, make)

    def value(self, value: Any) -> str:
        """The digest of a captured value."""
        if isinstance(value, TransportableObject):
            return self._once(id(value), value, value.serialize)
        kind = type(value)
        # 0.0 == -0.0, and nan is not equal to itself
        key = (kind, repr(value) if kind in (float, complex) else value)
        return self._once(key, None, lambda: pickling.dumps(value))

    def _code(self, key: Any, owner: Any, make: Callable[[], bytes]) -> str:
        def made() -> bytes:
            data = make()
            self._naming[digest_of(data)] = names_covalent(data)
            return data

        return self._once(key, owner, made)

    def _once(self, key: Any, owner: Any, make: Callable[[], bytes]) -> str:
        digest = self._known.get(key)
        if digest is None:
            digest = self._known[key] = self._assets.add(make())
            self._kept.append(owner)  # alive, so that no other object gets its id
        return digest


def pickled(value: Any, what: str) -> bytes:
    """Pickle a part of a lattice.

    Raises:
        InvalidWorkflow: an electron of the lattice is in it, where none can be.
        UnpicklableValue: it cannot travel.

    """
    try:
        return pickle_with_own_modules(lambda: pickling.dumps(value), unless=(HoldsElectron,))
    except HoldsElectron as exc:
        raise InvalidWorkflow(f"{what} cannot travel: {exc}") from exc
    except Exception as exc:
        raise UnpicklableValue(f"{what} cannot be pickled: {exc}") from exc


def names_covalent(data: bytes) -> bool:
    """Whether something pickled refers to Covalent's own modules, by name or in code; a text that reads so counts."""
    _, body = transport.split(data)
    if b"covalent" not in body:
        return False
    texts = (text for _, text, _ in pickletools.genops(body) if isinstance(text, str))
    return any(text.partition(".")[0] == "covalent" for text in texts)


def hooks_on_the_wire(hooks: Mapping[str, Any]) -> Hooks:
    """Hooks as the runner gets them. Packages in `call_before` are installed with the others."""
    deps = hooks["deps"]
    before: Sequence[Deps] = hooks["call_before"]
    pips = [deps["pip"]] if "pip" in deps else []
    pips += [each for each in before if isinstance(each, DepsPip)]
    return Hooks(
        bash=tuple(deps["bash"].commands) if "bash" in deps else (),
        pip=tuple(package for each in pips for package in each.packages),
        before=tuple(call for each in before for call in _calls(each)),
        after=tuple(call for each in hooks["call_after"] for call in _calls(each)),
    )


def _calls(deps: Deps) -> Iterator[Call]:
    match deps:
        case DepsPip() | DepsModule():
            return
        case DepsBash():
            for command in deps.commands:
                yield Call(subprocess.run, (command,), {"shell": True, "check": True})
        case _ if deps.apply_fn is not None:
            made = getattr(deps.apply_fn, "electron_object", None)  # decorated: its plain function
            yield Call(
                made.function if made is not None else deps.apply_fn,
                tuple(deps.apply_args),
                dict(deps.apply_kwargs),
                deps.retval_keyword,
            )


def _with_modules(function: Any, modules: Sequence[DepsModule], what: str) -> bytes:
    with by_value([each.module for each in modules]):
        return pickled(function, what)
