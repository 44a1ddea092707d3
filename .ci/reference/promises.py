"""Every class, function, parameter, default and attribute that a heading of the reference names is there.

A promised parameter must exist, in its order and with its default; more parameters with defaults may follow.
"""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from reference.text import Heading, Reference

CORRECTED: Mapping[str, str] = {"covalentDepsPip": "covalent.DepsPip", "CONFIG": "model_config"}
"""Slips of the reference."""

_OPTIONS = (
    "covalent.experimental.covalent_qelectron.executors.plugins.qiskit_plugin.utils.RuntimeOptions"
)
DIFFERENT: Mapping[str, str] = {
    **{
        f"covalent.fs_strategies.GCloud({name})": "a slip: they are those of Blob"
        for name in ("client_id", "client_secret", "tenant_id")
    },
    "covalent.executor.QiskitExecutor.device_init_kwargs": "a slip: a property, it says itself",
    _OPTIONS: "a slip: the type of the field above; a dictionary is taken",
    "covalent.DepsPip(reqs_path)": "a slip: the same class has reqs_path='' where its module is named",
}
"""What is different on purpose, as `path(parameter)` or `path`, and why. The same stands in docs/differences.md."""

_TITLE = re.compile(
    r"^(?P<words>(?:@|(?:pydantic model|class|property|field|abstract|async) +)*)"
    r"(?P<name>[A-Za-z_][\w.]*)"
    r"(?P<call>\((?P<signature>.*?)\)(?:\(\./[\w-]+\))?)?(?P<rest>[:\[ ].*)?$"
)
_SHOWN = re.compile(r"<(?P<kind>[\w.]+)(?:: (?P<value>'[^']*')| object)>")
_ANYTHING = object()


@dataclass(frozen=True)
class Promise:
    """What one heading promises."""

    path: str
    line: int
    is_class: bool
    is_callable: bool
    signature: str


def check(reference: Reference) -> Iterator[str]:
    """What is not as promised, a line each."""
    for promise in promises(reference):
        if promise.path in DIFFERENT:
            continue
        try:
            yield from _faults(promise)
        except (AttributeError, ImportError, TypeError, ValueError) as exc:
            yield f"line {promise.line}: {promise.path}: {type(exc).__name__}: {exc}"


def promises(reference: Reference) -> Iterator[Promise]:
    """What the headings promise."""
    owner = ""
    for heading in reference.headings:
        if heading.level < 4:  # a section: what follows belongs to no class
            owner = ""
        promise = _promise(heading, owner)
        if promise is None:
            continue
        if promise.is_class:
            owner = promise.path
        yield promise


def _promise(heading: Heading, owner: str) -> Promise | None:
    match = _TITLE.match(heading.title)
    if match is None or heading.level < 4 or "Covalent CLI Tool" in heading.path:
        return None
    name = CORRECTED.get(match["name"], match["name"])
    is_class = "class" in match["words"] or "model" in match["words"]
    if not name.startswith("covalent."):
        is_typed = "property" in match["words"] or "field" in match["words"]
        if not owner or (match["rest"] and not is_typed):
            return None
        name = f"{owner}.{name.removeprefix('self.')}"
    return Promise(
        name, heading.line, is_class, match["call"] is not None, match["signature"] or ""
    )


def _faults(promise: Promise) -> Iterator[str]:
    here = f"line {promise.line}: {promise.path}"
    owner, _, name = promise.path.rpartition(".")
    if not promise.is_class and not promise.is_callable:
        if name not in _attributes(resolve(owner)):
            yield f"{here}: there is no such attribute"
        return
    found = resolve(promise.path)
    if not callable(found):
        yield f"{here}: it cannot be called"
    elif promise.is_callable:
        yield from (f"{here}: {fault}" for fault in _differences(promise, inspect.signature(found)))


def resolve(path: str) -> Any:
    """What a dotted path leads to, modules first."""
    parts = path.split(".")
    found: Any = import_module(parts[0])
    for index, part in enumerate(parts[1:], 2):
        try:
            found = getattr(found, part)
        except AttributeError:
            if not inspect.ismodule(found):
                raise
            found = import_module(".".join(parts[:index]))
    return found


def _attributes(kind: type) -> set[str]:
    """The names that instances of a class have, as far as its text tells."""
    found = set(dir(kind)) | set(getattr(kind, "model_fields", ()))
    for each in inspect.getmro(kind):
        found |= set(getattr(each, "__annotations__", ())) | set(getattr(each, "__slots__", ()))
        if each.__module__.startswith("covalent"):
            found |= set(_assigned(each))
    return found


def _assigned(kind: type) -> Iterator[str]:
    for node in ast.walk(ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind)))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _differences(promise: Promise, ours: inspect.Signature) -> Iterator[str]:
    promised = inspect.signature(_function(promise.signature))
    have = {name: each for name, each in ours.parameters.items() if name not in ("self", "cls")}
    order = [name for name, each in have.items() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    named = [each for each in promised.parameters.values() if each.kind in _NAMED]
    for parameter in named:
        if f"{promise.path}({parameter.name})" in DIFFERENT:
            continue
        if parameter.name not in have:
            yield f"parameter {parameter.name!r} is missing"
        elif not _is_same(parameter.default, default := have[parameter.name].default):
            yield f"parameter {parameter.name!r} has default {default!r}, not {parameter.default!r}"
    positional = [
        each.name for each in named if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    if set(positional) <= set(order) and order[: len(positional)] != positional:
        yield f"the order of parameters is {order}, not {positional}"
    known = {each.name for each in named}
    for name, each in have.items():
        is_needed = each.default is inspect.Parameter.empty and each.kind in _NAMED
        if is_needed and name not in known and not _takes_anything(promised):
            yield f"parameter {name!r} is needed, and not promised"


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _takes_anything(promised: inspect.Signature) -> bool:
    return any(
        each.kind is inspect.Parameter.VAR_POSITIONAL for each in promised.parameters.values()
    )


def _function(signature: str) -> Any:
    """A function of this signature. What is shown as `<...>` becomes its value, or stands for anything."""
    text = _SHOWN.sub(lambda match: match["value"] or "ANYTHING", signature)
    namespace: dict[str, Any] = {"ANYTHING": _ANYTHING}
    tree = ast.parse(f"def promised({text}): pass")
    exec(compile(tree, "reference", "exec"), namespace)  # noqa: S102  # a signature of the reference, nothing else
    return namespace["promised"]


def _is_same(promised: Any, ours: Any) -> bool:
    ours = getattr(ours, "value", ours)  # of an enumeration
    if promised is inspect.Parameter.empty:
        return True  # one more default breaks no call
    if promised is _ANYTHING:
        return ours is not inspect.Parameter.empty
    if isinstance(promised, list) and isinstance(ours, tuple):
        return promised == list(ours)
    return bool(promised == ours)
