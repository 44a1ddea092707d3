"""Modules of the user's own: they travel by value, like the script itself.

A module beside the script, or in a folder that the user put on the path, is not there where an electron runs.
What is installed goes by name: the standard library, site-packages, and what a .pth file there names.
"""

from __future__ import annotations

import importlib.util
import site
import sys
import sysconfig
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import cloudpickle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

_lock = Lock()
_nothing_is_own: ContextVar[bool] = ContextVar("covalent_nothing_is_own", default=False)
_holders: dict[str, int] = {}
"""Modules that cloudpickle takes by value because of us, and how many callers want that now."""
_scanned: tuple[tuple[int, str], tuple[ModuleType, ...]] = ((0, ""), ())
"""How many modules were loaded when last looked, and the newest; which of them were the user's own."""


def pickle_with_own_modules(
    make: Callable[[], bytes], *, unless: tuple[type[Exception], ...] = ()
) -> bytes:
    """Pickle with the user's own modules by value, or by name if one of them cannot be pickled.

    Args:
        make: pickles.
        unless: errors that have nothing to do with modules.

    """
    modules = () if _nothing_is_own.get() else own_modules()
    if not modules:
        return make()
    try:
        with by_value(modules):
            return make()
    except unless:
        raise
    except Exception as exc:  # noqa: BLE001  # whatever it was, the second attempt raises it again
        data = make()
        warnings.warn(
            f"a module of your own cannot travel with the workflow ({exc}):"
            " it goes by name, and must be installed where electrons run",
            stacklevel=2,
        )
        return data


@contextmanager
def by_name() -> Iterator[None]:
    """Have every module go by name inside the block: where an electron runs, what has a file is installed.

    What came here by value has none, and goes on by value.
    """
    token = _nothing_is_own.set(True)
    try:
        yield
    finally:
        _nothing_is_own.reset(token)


@contextmanager
def by_value(modules: Iterable[ModuleType]) -> Iterator[None]:
    """Have cloudpickle take modules by value meanwhile; its registry belongs to the whole process."""
    held = [module for module in modules if _hold(module)]
    try:
        yield
    finally:
        for module in held:
            _release(module)


def own_modules() -> tuple[ModuleType, ...]:
    """The loaded modules and packages of the user's own; what is in a package goes with it."""
    global _scanned  # noqa: PLW0603  # a cache: looking at every module for each value would cost more than pickling
    seen, found = _scanned
    loaded = len(sys.modules), next(reversed(sys.modules))
    if seen != loaded or any(sys.modules.get(each.__name__) is not each for each in found):
        top = [module for name, module in list(sys.modules.items()) if "." not in name]
        found = tuple(module for module in top if module is not None and _is_own(module))
        _scanned = loaded, found
    return found


def _is_own(module: ModuleType) -> bool:
    name = getattr(module, "__name__", "__main__")
    if name in {"__main__", "covalent"} or name.startswith("covalent_"):
        return False
    home = _home(module)
    return home is not None and sys.modules.get(name) is module and not _is_installed(home)


def own_file(name: str) -> Path | None:
    """The file of a module of the user's own, without importing it; None for packages and installed modules."""
    try:
        spec = importlib.util.find_spec(name) if "." not in name else None
    except ValueError:  # a module that was made, not found
        return None
    origin = spec.origin if spec is not None and spec.has_location else None
    path = Path(origin).absolute() if origin else Path()
    return path if path.name == f"{name}.py" and not _is_installed(path.parent) else None


def _home(module: ModuleType) -> Path | None:
    """The folder in which a module or package was found; None if it does not come from a file."""
    file = getattr(module, "__file__", None)
    folders = list(getattr(module, "__path__", ()))
    where = folders[0] if folders else file
    return Path(where).absolute().parent if isinstance(where, str) else None


@cache
def _is_installed(home: Path) -> bool:
    return home in _named_by_pth() or any(home.is_relative_to(root) for root in _site_folders())


@cache
def _site_folders() -> frozenset[Path]:
    """Where Python itself and installed packages are."""
    paths = sysconfig.get_paths()
    found = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    found += [*site.getsitepackages([sys.prefix, sys.base_prefix]), site.getusersitepackages()]
    return frozenset(Path(each).absolute() for each in found)


@cache
def _named_by_pth() -> frozenset[Path]:
    """Folders that editable installs have put on the path."""
    files = [file for folder in _site_folders() for file in folder.glob("*.pth")]
    lines = [
        (file, line) for file in files for line in file.read_text(errors="replace").split("\n")
    ]
    return frozenset(
        (file.parent / line.strip()).absolute()
        for file, line in lines
        if line.strip() and not line.startswith(("#", "import ", "import\t"))
    )


def _hold(module: ModuleType) -> bool:
    """False if the user has registered the module already; then it is theirs to unregister."""
    name = module.__name__
    with _lock:
        if name not in _holders:
            if name in cloudpickle.list_registry_pickle_by_value():
                return False
            cloudpickle.register_pickle_by_value(module)
        _holders[name] = _holders.get(name, 0) + 1
    return True


def _release(module: ModuleType) -> None:
    name = module.__name__
    with _lock:
        _holders[name] -= 1
        if not _holders[name]:
            del _holders[name]
            cloudpickle.unregister_pickle_by_value(module)
