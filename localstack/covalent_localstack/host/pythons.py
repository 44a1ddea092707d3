"""Finding interpreters: on the PATH, of pyenv, of uv."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from covalent_contracts.errors import Unavailable

LOCALSTACK = "3.13"
"""What LocalStack 4.14 needs."""
RUNTIMES = ("3.11", "3.12", "3.13")
"""The Lambda runtimes that the project supports."""
_SECONDS = 20


def find(version: str) -> Path | None:
    """An interpreter of this minor version, or None."""
    return next((each for each in _candidates(version) if _is(each, version)), None)


def uv() -> str:
    """Where uv is.

    Raises:
        Unavailable: nowhere.

    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise Unavailable("LocalStack is installed with uv, which is not here: pip install uv")
    return found


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    on_path = shutil.which(name)
    if on_path:
        yield Path(on_path)
    for root in _pyenv_roots(on_path):
        yield from sorted(root.glob(f"versions/{version}.*/bin/{name}"), reverse=True)
    managed = _output(uv(), "python", "find", "--no-project", "--no-python-downloads", version)
    if managed:
        yield Path(managed)


def _pyenv_roots(shim: str | None) -> Iterator[Path]:
    """Where pyenv keeps its versions, asked of everything that knows."""
    if "PYENV_ROOT" in os.environ:
        yield Path(os.environ["PYENV_ROOT"])
    for program in (shim, shutil.which("pyenv")):
        if program:  # <root>/shims/python3.13, <root>/bin/pyenv
            yield Path(program).parent.parent
    yield Path.home() / ".pyenv"


def _is(interpreter: Path, version: str) -> bool:
    """Whether it runs and is what it says: a shim of pyenv may not."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return _output(str(interpreter), "-I", "-c", code) == version


def _output(*command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # interpreters, and uv
            command, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
