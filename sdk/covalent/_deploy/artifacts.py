"""The zips of the Lambda functions, and of what jobs run: the same inputs make the same bytes.

targets --folder--> installed and stripped packages, our sources --archive--> zip --check--> manifest.json

targets   which zips: a runner and a builder for each Python, one control plane, for each architecture; and more for
          executors that are turned on.
folder    third-party packages from a lock file with hashes, as wheels for Lambda's platform; then our own.
archive   knows nothing of what is in it.
check     bounds the sizes. AWS would refuse later, and say less.

A zip whose inputs have not changed since is left alone. `manifest.json` tells the SHA-256 and sizes of each.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from covalent._deploy import archive, contents, sources
from covalent._deploy.archive import Archive
from covalent._deploy.contents import KINDS, MEGABYTE, Contents
from covalent._deploy.settings import ARCHITECTURES, PYTHONS
from covalent._version import __version__
from covalent_contracts.errors import CovalentError, LimitExceeded

CONTROL_PLANE_PYTHON = "3.13"
MANIFEST = "manifest.json"
EXTRAS = ("bridge", "braket", "job")
"""What only some executors need: those of other places, of Braket, of EC2."""

_OF_EACH_PYTHON = ("runner", "builder", "job")
# Amazon Linux 2 and newer run manylinux2014 wheels.
_PLATFORMS = {"x86_64": "x86_64-manylinux2014", "arm64": "aarch64-manylinux2014"}

Entry = dict[str, Any]


class Unbuildable(CovalentError):
    """The artifacts cannot be built here; the message names the cure."""


@dataclass(frozen=True)
class Target:
    """One zip. `kind` is a key of `contents.KINDS`."""

    kind: str
    python: str
    architecture: str

    @property
    def name(self) -> str:
        """The name of the file."""
        if self.kind == "braket":
            return "braket.tar.gz"
        python = f"-py{self.python.replace('.', '')}" if self.kind in _OF_EACH_PYTHON else ""
        return f"{self.kind}{python}-{self.architecture}.zip"

    @property
    def contents(self) -> Contents:
        """What is in it."""
        return KINDS[self.kind]


def targets(
    pythons: Sequence[str], architectures: Sequence[str], extras: Collection[str] = ()
) -> Iterator[Target]:
    """The zips of a deployment with runners for these Python versions.

    Args:
        pythons: minor versions.
        architectures: those of the functions.
        extras: which of `EXTRAS` beside. Machines of jobs have an architecture of their own: `job` is made for all.

    """
    for architecture in architectures:
        for python in pythons:
            yield Target("runner", python, architecture)
            yield Target("builder", python, architecture)
        yield Target("control-plane", CONTROL_PLANE_PYTHON, architecture)
        if "bridge" in extras:
            yield Target("bridge", CONTROL_PLANE_PYTHON, architecture)
    if "job" in extras:
        yield from (Target("job", each, kind) for kind in ARCHITECTURES for each in pythons)
    if "braket" in extras:
        yield Target("braket", CONTROL_PLANE_PYTHON, ARCHITECTURES[0])


def build(
    output: Path,
    pythons: Sequence[str] = PYTHONS,
    architectures: Sequence[str] = ARCHITECTURES,
    tell: Callable[[str], None] = lambda _: None,
    extras: Collection[str] = (),
) -> Mapping[str, Entry]:
    """Build what is not there yet.

    Args:
        output: the folder for the zips and `manifest.json`.
        pythons: Python minor versions that runners are made for.
        architectures: `x86_64`, `arm64`.
        tell: called with a line about each zip.
        extras: which of `EXTRAS` beside.

    Returns:
        The manifest: by the name of the zip its `sha256`, `size` and `unzipped` bytes, and `inputs`, a digest.

    Raises:
        Unbuildable: uv is missing, or could not install the locked packages.
        LimitExceeded: a zip is larger than it may be.

    """
    known = _known(output)
    for target in targets(pythons, architectures, extras):
        entry = known.get(target.name, {})
        inputs = _inputs(target)
        is_new = entry.get("inputs") != inputs
        if is_new:
            entry = known[target.name] = asdict(make(target, output)) | {"inputs": inputs}
            _write_manifest(output, known)
        tell(_line(target, entry, is_new=is_new))
    return known


def make(target: Target, output: Path) -> Archive:
    """Build one zip into a folder.

    Raises:
        Unbuildable: uv is missing, or could not install the locked packages.
        LimitExceeded: the zip is larger than it may be; it is not left there.

    """
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), target)
        path = output / target.name
        made = archive.write(Path(folder), path)
    try:
        _check(target, made)
    except LimitExceeded:
        path.unlink()
        raise
    return made


def fill(folder: Path, target: Target) -> None:
    """Put everything that a zip will hold into a folder.

    Raises:
        Unbuildable: uv is missing, or could not install the locked packages.

    """
    _install(folder, target)
    contents.strip(folder, target.contents)
    contents.put_sources(target.contents, folder, __version__)


def _install(folder: Path, target: Target) -> None:
    if importlib.util.find_spec("uv") is None:
        raise Unbuildable("uv is missing: pip install 'covalent-serverless[deploy]'")
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet"]
    options = {
        "--python": sys.executable,
        "--python-version": target.python,
        "--python-platform": _PLATFORMS[target.architecture],
        "--only-binary": ":all:",
        "--target": str(folder),
        "--requirements": str(sources.lock(target.contents.lock)),
    }
    flags = ("--no-deps", "--require-hashes", "--no-compile-bytecode", "--link-mode", "copy")
    done = subprocess.run(  # noqa: S603  # our own arguments
        [*command, *flags, *(word for option in options.items() for word in option)],
        # As pip: a company's proxy signs with its own.
        env={"UV_SYSTEM_CERTS": "true", **os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Unbuildable(f"the packages for {target.name} were not installed:\n{done.stderr}")


def _check(target: Target, made: Archive) -> None:
    limits = target.contents
    for what, size, limit in (
        ("zipped", made.size, limits.zipped),
        ("unzipped", made.unzipped, limits.unzipped),
    ):
        if size > limit:
            raise LimitExceeded(
                f"{target.name} has {size:,} bytes {what}, {limit:,} are allowed",
                limit=f"bytes of a {target.kind} zip, {what}",
                number=limit,
            )


def _inputs(target: Target) -> str:
    """A digest of everything that decides what the zip is: our sources, the lock, and how it is built."""
    ours = {str(inside): archive.digest([path]) for path, inside in target.contents.sources()}
    builders = [Path(str(module.__file__)) for module in (archive, contents, sys.modules[__name__])]
    lock = sources.lock(target.contents.lock)
    told = [*asdict(target).values(), __version__, ours, archive.digest([lock, *builders])]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _known(output: Path) -> dict[str, Entry]:
    """What the manifest tells of zips that are still there and as they were."""
    try:
        listed = json.loads((output / MANIFEST).read_text())
        return {name: entry for name, entry in listed.items() if _is_whole(output / name, entry)}
    except (OSError, ValueError, AttributeError):
        return {}


def _is_whole(path: Path, entry: Entry) -> bool:
    return path.is_file() and archive.digest([path]) == entry.get("sha256")


def _write_manifest(output: Path, entries: Mapping[str, Entry]) -> None:
    (output / MANIFEST).write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")


def _line(target: Target, entry: Entry, *, is_new: bool) -> str:
    size, unzipped = (entry[key] / MEGABYTE for key in ("size", "unzipped"))
    state = "built" if is_new else "unchanged"
    return f"{target.name:32} {size:7.2f} MB  {unzipped:7.2f} MB unzipped  {state}"


def main() -> None:
    """Build the zips and tell their sizes."""
    parser = argparse.ArgumentParser(
        prog="python -m covalent._deploy.artifacts", description=main.__doc__
    )
    parser.add_argument("--output", type=Path, default=Path("dist/lambda"))
    parser.add_argument("--python", nargs="+", default=PYTHONS, choices=PYTHONS)
    parser.add_argument("--architecture", nargs="+", default=ARCHITECTURES, choices=ARCHITECTURES)
    parser.add_argument(
        "--extras",
        nargs="*",
        default=(),
        choices=EXTRAS,
        help="what only some executors need: bridge (SSH, Slurm, Azure, Google), braket, job (EC2)",
    )
    asked = parser.parse_args()
    try:
        build(asked.output, asked.python, asked.architecture, print, asked.extras)
    except CovalentError as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    main()
