"""The runner's container image, for hosts that are not Lambda's Python: Batch, ECS, image-based functions.

fill --context--> docker buildx build

fill   everything that goes into the image: the packages for each architecture, from a lock file with hashes, our own,
       the entry point and the Dockerfile. No Docker is needed for that.
build  copies and compiles it onto a Python image that is named by digest, so that it is the same one tomorrow.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from covalent._deploy import artifacts, settings, sources
from covalent._deploy.artifacts import Target, Unbuildable
from covalent._version import __version__
from covalent_contracts.errors import CovalentError

DOCKER_NAMES = {"x86_64": "amd64", "arm64": "arm64"}
"""What Docker calls the architectures."""
_INSTALL = "https://docs.docker.com/engine/install/"


@dataclass(frozen=True)
class Image:
    """One image. `digest` is that of the base image, `python:<python>-slim`."""

    tag: str
    python: str
    architectures: tuple[str, ...]
    digest: str


def fill(context: Path, python: str, architectures: Sequence[str]) -> None:
    """Write the build context, in place of what is there.

    Args:
        context: the folder.
        python: the Python minor version in the image.
        architectures: `x86_64`, `arm64`.

    Raises:
        Unbuildable: the locked packages could not be installed.

    """
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    for name in ("Dockerfile", "entrypoint.py"):
        shutil.copyfile(sources.image() / name, context / name)
    for architecture in architectures:
        folder = context / "packages" / DOCKER_NAMES[architecture]
        folder.mkdir(parents=True)
        artifacts.fill(folder, Target("image", python, architecture))


def build(context: Path, image: Image, *, push: bool) -> None:
    """Build a filled context with Docker, and push the image or load it into Docker's own store.

    Raises:
        Unbuildable: Docker could not; the message says why.

    """
    platforms = ",".join(f"linux/{DOCKER_NAMES[each]}" for each in image.architectures)
    _docker(
        *("build", "--platform", platforms, "--tag", image.tag),
        *("--build-arg", f"PYTHON={image.python}", "--build-arg", f"DIGEST={image.digest}"),
        *("--push" if push else "--load", str(context)),
    )


def digest_of_base(python: str) -> str:
    """The digest that the newest base image has now.

    Raises:
        Unbuildable: Docker could not find it.

    """
    base = f"python:{python}-slim"
    found = _docker("imagetools", "inspect", base, "--format", "{{.Manifest.Digest}}").strip()
    if not found.startswith("sha256:"):
        raise Unbuildable(f"Docker names no digest of {base}: give one with --digest")
    return found


def need_docker() -> None:
    """Check for Docker with buildx.

    Raises:
        Unbuildable: it is not there; the message names the cure.

    """
    if shutil.which("docker") is None:
        raise Unbuildable(f"building the image needs Docker, nothing else does: {_INSTALL}")
    try:
        _docker("version")
    except Unbuildable as exc:
        raise Unbuildable(f"this Docker has no buildx: {_INSTALL}") from exc


def _docker(*arguments: str) -> str:
    """What buildx printed; how it gets on is shown meanwhile."""
    command = ["docker", "buildx", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603  # our own arguments
    if done.returncode != 0:
        raise Unbuildable(f"{' '.join(command[:3])} failed with exit code {done.returncode}")
    return done.stdout


def _make(asked: argparse.Namespace) -> None:
    if not asked.fill_only:
        need_docker()  # before the packages are fetched
    fill(asked.context, asked.python, asked.architecture)
    print(f"filled {asked.context}")  # noqa: T201  # what the command is for
    if asked.fill_only:
        return
    digest = asked.digest or digest_of_base(asked.python)
    image = Image(asked.tag, asked.python, tuple(asked.architecture), digest)
    build(asked.context, image, push=asked.push)
    print(f"built {image.tag} on python:{image.python}-slim@{digest}")  # noqa: T201


def main() -> None:
    """Build the image."""
    parser = argparse.ArgumentParser(
        prog="python -m covalent._deploy.container", description=main.__doc__
    )
    parser.add_argument("--context", type=Path, default=Path("dist/image"))
    parser.add_argument("--tag", default=f"covalent-runner:{__version__}")
    parser.add_argument(
        "--python", default=artifacts.CONTROL_PLANE_PYTHON, choices=settings.PYTHONS
    )
    parser.add_argument(
        "--architecture",
        nargs="+",
        default=["x86_64"],
        choices=settings.ARCHITECTURES,
        help="Docker's own store takes one; --push takes both",
    )
    parser.add_argument("--digest", help="of the base image; the newest one's if not given")
    parser.add_argument("--push", action="store_true", help="to the registry in the tag")
    parser.add_argument("--fill-only", action="store_true", help="write the context, build nothing")
    try:
        _make(parser.parse_args())
    except CovalentError as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    main()
