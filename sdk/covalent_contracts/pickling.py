"""Values to bytes and back: the only module that pickles and unpickles. Never imported by the control plane.

A value may hold electrons. On the way out `refer` maps each to the id of its node; on the way back `resolve`
maps ids to what stands for them (their outputs, usually). That is the mechanism behind recipes and collections.
"""

import dataclasses
import functools
import io
import pickle
import platform
import sys
from collections import ChainMap
from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from types import ModuleType
from typing import Any, ClassVar

import cloudpickle

from covalent_contracts import transport
from covalent_contracts.errors import CorruptedObject

TEXT_LENGTH = 200
"""Characters of a value's representation that its header shows."""
MAX_BITS = 4096
"""Bits of an integer that is shown: Python refuses to write out very long ones."""


def know_names_of_version_3() -> None:
    """Read with cloudpickle 2, which Amazon Braket's SDK wants, what 3 wrote: 3 has in one module what 2 has in two."""
    names = vars(cloudpickle.cloudpickle)
    if "_function_setstate" not in names:
        older = vars(import_module("cloudpickle.cloudpickle_fast"))
        names.update({name: older[name] for name in older.keys() - names.keys()})


know_names_of_version_3()


def _reduce_module(module: ModuleType) -> tuple[Any, ...]:
    """A module by name, or by value: then empty first and filled afterwards, because modules import each other."""
    reduced: tuple[Any, ...] = cloudpickle.Pickler.dispatch_table[ModuleType](module)
    if reduced[0] is cloudpickle.cloudpickle.subimport:
        return reduced
    kept = {key: value for key, value in vars(module).items() if key not in _IMPORT_SYSTEM}
    return ModuleType, (module.__name__,), kept


def _reduce_cached(function: Any) -> str | tuple[Any, ...]:
    """What `functools.cache` made: cloudpickle knows it by name only, which says nothing where its module is not."""
    if _is_importable(function):
        return str(function.__reduce__())
    return cached, (function.__wrapped__, function.cache_parameters())


def _is_importable(function: Any) -> bool:
    home = str(function.__module__)
    if home.partition(".")[0] in {"__main__", *cloudpickle.list_registry_pickle_by_value()}:
        return False
    try:
        return attrgetter(function.__qualname__)(sys.modules.get(home)) is function
    except AttributeError:
        return False


def cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    """Cache a function anew; stored pickles name this."""
    return functools.lru_cache(**parameters)(function)


def _reduce_kind_of_field(kind: Any) -> tuple[Any, ...]:
    """What dataclasses tell their fields by. It must stay what it is; cloudpickle before 3.1 makes another one."""
    return getattr, (dataclasses, kind.name)


_IMPORT_SYSTEM = frozenset({"__builtins__", "__cached__", "__loader__", "__spec__"})


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    dispatch_table: ClassVar = ChainMap(
        {
            ModuleType: _reduce_module,
            type(functools.cache(len)): _reduce_cached,
            type(vars(dataclasses)["_FIELD"]): _reduce_kind_of_field,
        },
        cloudpickle.Pickler.dispatch_table,
    )


class _ReferringPickler(_Pickler):
    def __init__(self, file: io.BytesIO, refer: Callable[[Any], int | None]) -> None:
        super().__init__(file)
        self._refer = refer

    def persistent_id(self, obj: Any) -> int | None:
        return self._refer(obj)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, resolve: Callable[[int], Any]) -> None:
        super().__init__(file)
        self._resolve = resolve

    def persistent_load(self, pid: Any) -> Any:
        return self._resolve(pid)


def dumps(value: Any, refer: Callable[[Any], int | None] | None = None) -> bytes:
    """Pickle a value behind a header.

    Raises:
        Exception: whatever pickling the value raises; callers name the electron and the parameter.

    """
    file = io.BytesIO()
    pickler = _Pickler(file) if refer is None else _ReferringPickler(file, refer)
    pickler.dump(value)
    header = transport.Header(
        type=type(value).__qualname__,
        text=_text(value),
        python=platform.python_version(),
        cloudpickle=cloudpickle.__version__,
    )
    return transport.join(header, file.getvalue())


def loads(data: bytes, resolve: Callable[[int], Any] | None = None) -> Any:
    """Unpickle a value. Only the process that runs the user's own code, or the user's own machine, may do so.

    Raises:
        CorruptedObject: the bytes are not a value, or end too early.
        NewerWire: they were written by a newer version.
        Exception: whatever the value's own classes raise.

    """
    _, body = transport.split(data)
    try:
        if resolve is None:
            return pickle.loads(body)  # noqa: S301  # the caller checked the digest
        return _Unpickler(io.BytesIO(body), resolve).load()
    except (pickle.UnpicklingError, EOFError) as exc:
        raise CorruptedObject(f"the body of a stored value cannot be read: {exc}") from exc


def pickled(value: Any) -> bytes:
    """Pickle a value without a header, for a Python of the same version that has nothing of Covalent."""
    file = io.BytesIO()
    _Pickler(file).dump(value)
    return file.getvalue()


def unpickled(data: bytes) -> Any:
    """What `pickled` was given, or cloudpickle elsewhere. The caller runs the user's own code anyhow."""
    return pickle.loads(data)  # noqa: S301  # see above


def _text(value: Any) -> str:
    """A short representation. Only plain values are asked for theirs: the repr of a large array costs seconds."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return f"<{type(value).__qualname__}>"
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return str(value[:TEXT_LENGTH] if isinstance(value, str | bytes) else value)[:TEXT_LENGTH]
    return f"<{type(value).__qualname__}>"
