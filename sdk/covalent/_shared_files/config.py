"""The configuration file: one TOML file, read when asked, written only when something is set.

A value in the file wins over an environment variable, which wins over the built-in default. Other processes may
write at any time: every read looks whether the file has changed, every write happens under a lock and replaces
the file as a whole.
"""

import contextlib
import os
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covalent._shared_files import toml
from covalent._shared_files.defaults import config_path, defaults
from covalent._shared_files.exceptions import InvalidConfig

try:
    import fcntl
except ImportError:  # Windows: writes are atomic there too, only not ordered
    fcntl = None  # type: ignore[assignment]  # looked at before use

_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class _Loaded:
    path: Path
    stamp: _Stamp | None
    values: dict[str, Any]


_loaded: _Loaded | None = None


def get_config(entries: str | Iterable[str] | None = None) -> Any:
    """Read the configuration.

    Args:
        entries: a dotted name as "dispatcher.port" (or "dispatcher" for the section), several of them, or nothing.

    Returns:
        The value; a dictionary of names and values for several; everything for nothing.

    Raises:
        KeyError: there is no such entry.
        InvalidConfig: the file is not TOML.

    """
    values = _current()
    if entries is None:
        return deepcopy(values)
    if isinstance(entries, str):
        return deepcopy(_look_up(values, entries))
    return {entry: deepcopy(_look_up(values, entry)) for entry in entries}


def set_config(new_config: str | Mapping[str, Any], new_value: Any = None) -> None:
    """Write one value under a dotted name, or several given as a dictionary, to the file.

    Raises:
        InvalidConfig: the file is not TOML.
        TypeError: TOML has no form for the value.

    """
    changes = {new_config: new_value} if isinstance(new_config, str) else new_config
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        document = _read(path) if path.exists() else defaults()
        for entry, value in changes.items():
            _put(document, entry, value)
        _write(path, toml.dumps(document))
    reload_config()


def lock_of(path: Path) -> Path:
    """The file beside a configuration file that orders those who write it."""
    return path.parent / ".covalent.conf.lock"


def reload_config() -> None:
    """Forget what was read; the next question reads the file again."""
    global _loaded  # noqa: PLW0603  # one cache per process, replaced as a whole
    _loaded = None


def _current() -> dict[str, Any]:
    global _loaded  # noqa: PLW0603  # one cache per process, replaced as a whole
    path = config_path()
    stamp = _stamp(path)
    known = _loaded
    if known is None or (known.path, known.stamp) != (path, stamp):
        document = _read(path) if stamp is not None else {}
        known = _loaded = _Loaded(path, stamp, _merged(defaults(), document))
    return known.values


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise InvalidConfig(f"{path} is not a TOML file: {exc}; repair or remove it") from exc


def _write(path: Path, text: str) -> None:
    """Replace the file in one step: a reader sees the old or the new one. mkstemp makes it private (0600)."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".covalent.conf.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with lock_of(path).open("a") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed
        yield


def _look_up(values: Mapping[str, Any], entry: str) -> Any:
    found: Any = values
    for part in entry.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise KeyError(entry)
        found = found[part]
    return found


def _put(document: dict[str, Any], entry: str, value: Any) -> None:
    *sections, last = entry.split(".")
    for section in sections:
        inner = document.setdefault(section, {})
        if not isinstance(inner, dict):
            raise KeyError(f"{entry}: {section} is a value, not a section")
        document = inner
    document[last] = value


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in over.items():
        inner = base.get(key)
        both = isinstance(inner, dict) and isinstance(value, Mapping)
        base[key] = _merged(inner, value) if both and isinstance(inner, dict) else value
    return base
