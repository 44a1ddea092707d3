"""The two environments that `benchmarks.versus` compares: made in the same way, with the same Python.

Covalent's is kept between runs, in a cache folder outside the repository, because its versions never change; ours is
made anew from the wheel of the working tree.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEER_LOCK = ROOT / "requirements-versus.lock"
OUR_LOCK = ROOT / "requirements.lock"
PYTHON = (3, 11)
"""Covalent 0.240 is asked for on 3.10 or 3.11; ours needs 3.11."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "covalent-benchmarks").expanduser()


class CannotInstall(Exception):
    """An environment cannot be made here; the message is one line."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment without pip in it."""

    folder: Path

    @property
    def programs(self) -> Path:
        """The folder of `python` and `covalent`."""
        return self.folder / "bin"

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        return self.folder / "lib" / "python{}.{}".format(*PYTHON) / "site-packages"

    @property
    def size(self) -> int:
        """Bytes of what was installed, as the files count them."""
        files = (path.lstat() for path in self.packages.rglob("*") if not path.is_dir())
        return sum(each.st_size for each in files)

    @property
    def distributions(self) -> int:
        """How many distributions were installed."""
        return len(list(self.packages.glob("*.dist-info")))


def peer(cache: Path) -> Environment:
    """Covalent at the locked versions, from the cache if it is there.

    Raises:
        CannotInstall: no network, no Python 3.11, ...

    """
    name = f"covalent-{hashlib.sha256(PEER_LOCK.read_bytes()).hexdigest()[:12]}"
    environment = Environment(cache / name)
    complete = environment.folder / ".complete"
    if not complete.exists():
        shutil.rmtree(environment.folder, ignore_errors=True)
        _make(environment, "--require-hashes", "--requirement", PEER_LOCK)
        complete.touch()
    return environment


def ours(folder: Path) -> Environment:
    """The wheel of this working tree with its `local` extra, at the locked versions.

    Raises:
        CannotInstall: no network, no Python 3.11, ...

    """
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    _run(*build, doing="build our wheel")
    (wheel,) = folder.glob("*.whl")
    constraints = folder / "constraints.txt"
    constraints.write_text(without_hashes(OUR_LOCK.read_text()))
    environment = Environment(folder / "environment")
    _make(environment, "--constraint", constraints, f"{wheel}[local]")
    return environment


def pins() -> list[str]:
    """What `pyproject.toml` asks for on Covalent's side."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named: list[str] = project["dependency-groups"]["versus"]
    return named


def without_hashes(lock: str) -> str:
    """A lock file as constraints: a wheel of our own has no hash in it."""
    lines = lock.splitlines()
    return "\n".join(
        line.removesuffix("\\").rstrip()
        for line in lines
        if line and not line.startswith((" ", "#"))
    )


def _make(environment: Environment, *what: str | Path) -> None:
    _run(_python(), "-m", "venv", "--without-pip", environment.folder, doing="make a venv")
    pip = (sys.executable, "-m", "pip", "--python", environment.programs / "python")
    options = ("install", "--quiet", "--no-input", "--retries", "1", "--timeout", "30")
    _run(*pip, *options, *what, doing=f"install {Path(what[-1]).name}")


def _python() -> str:
    """A Python of the version that both run on."""
    script = f"import sys; sys.exit(sys.version_info[:2] != {PYTHON})"
    for candidate in (sys.executable, shutil.which("python{}.{}".format(*PYTHON))):
        if candidate is None:
            continue
        if not subprocess.run(
            [candidate, "-c", script], capture_output=True, check=False
        ).returncode:
            return candidate
    raise CannotInstall("Python {}.{} is not on the PATH".format(*PYTHON))


def _run(*command: str | Path, doing: str) -> None:
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            stderr = process.communicate()[1]
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # pip works in a child of its own
            raise
    if process.returncode:
        lines = [line for line in stderr.splitlines() if line.strip()] or ["no reason given"]
        errors = [line for line in lines if line.startswith("ERROR")] or lines
        raise CannotInstall(f"could not {doing}: {errors[-1]}")
