"""The packages that an electron asks for, installed beside the host's environment and never into it.

A set of requirements is installed once into a folder named by its digest, and stands in front of `sys.path` for the
electrons that ask for it.
"""

import fcntl
import importlib
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from covalent_contracts.ids import digest_of
from covalent_runner.errors import HookFailed

_OUTPUT_SHOWN = 8000
"""Characters of pip's output that go into an error: its end tells what went wrong."""

_loaded: dict[Path, dict[str, ModuleType]] = {}


@contextmanager
def installed(requirements: Sequence[str]) -> Iterator[None]:
    """Make the requirements importable inside the block.

    Raises:
        HookFailed: pip could not install them; the message ends with pip's output.

    """
    if not requirements:
        yield
        return
    target = target_of(requirements)
    with _in_front(target), _for_children(target):
        yield


def target_of(requirements: Sequence[str]) -> Path:
    """The folder that holds the requirements, installed if this is the first call for them on this machine."""
    wanted = sorted(set(requirements))
    tag = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
    target = _home() / digest_of("\n".join((tag, *wanted)).encode())
    if target.is_dir():
        return target
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _install(wanted, target)
    return target


def _home() -> Path:
    """A folder that nobody else may write to: its content is imported."""
    given = os.environ.get("COVALENT_PACKAGES_DIR")
    home = Path(given or Path(tempfile.gettempdir()) / f"covalent-packages-{os.getuid()}")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_uid != os.getuid():
        raise HookFailed(f"{home} belongs to another user: set COVALENT_PACKAGES_DIR")
    return home


def _install(requirements: Sequence[str], target: Path) -> None:
    """Install beside the target and move there: a target that exists is whole."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        listing = Path(folder, "requirements.txt")
        listing.write_text("\n".join(requirements) + "\n")
        place = Path(folder, "packages")
        place.mkdir()
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
        ]
        done = subprocess.run(  # noqa: S603  # the user's own requirements, beside the user's own code
            [*command, "--target", str(place), "-r", str(listing)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise HookFailed(
                f"pip could not install {', '.join(requirements)}:\n{done.stdout[-_OUTPUT_SHOWN:]}"
            )
        place.rename(target)


@contextmanager
def _in_front(target: Path) -> Iterator[None]:
    """Import from the target first. What was imported from it is put away afterwards, for the next such electron.

    Modules are kept, not dropped: some C extensions refuse to be loaded twice in one process.
    """
    aside = _shadowed(target)
    for name in aside:
        del sys.modules[name]
    sys.modules.update(_loaded.get(target, {}))
    sys.path.insert(0, str(target))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        with_target = {n: m for n, m in sys.modules.items() if _lies_in(m, target)}
        _loaded[target] = with_target
        for name in with_target:
            del sys.modules[name]
        sys.modules.update(aside)
        if str(target) in sys.path:
            sys.path.remove(str(target))


@contextmanager
def _for_children(target: Path) -> Iterator[None]:
    """Have child processes find what was installed too: modules, and commands."""
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "PATH")}
    places = {"PYTHONPATH": target, "PATH": target / "bin"}
    for name, place in places.items():
        os.environ[name] = os.pathsep.join(filter(None, (str(place), before[name])))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _shadowed(target: Path) -> dict[str, ModuleType]:
    """Modules of the host that the target has another version of.

    Packages with C extensions stay: a second copy of them in one process crashes or refuses to load.
    """
    offered = {entry.stem for entry in target.iterdir() if entry.suffix in ("", ".py")}
    found: dict[str, dict[str, ModuleType]] = {}
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top in offered:
            found.setdefault(top, {})[name] = module
    return {
        n: m for family in found.values() if not _has_extension(family) for n, m in family.items()
    }


def _has_extension(family: dict[str, ModuleType]) -> bool:
    return any(
        str(getattr(module, "__file__", None)).endswith((".so", ".pyd"))
        for module in family.values()
    )


def _lies_in(module: ModuleType, target: Path) -> bool:
    origin = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    return isinstance(origin, str) and Path(origin).is_relative_to(target)
