"""Which interpreter runs a function: the installation made an environment for each Python that it found."""

import os
from pathlib import Path

FOLDER = "COVALENT_LAMBDA_RUNTIMES"
"""The environment variable that says where they are: `<folder>/python3.12/bin/python`."""


class NoRuntime(Exception):
    """The function cannot run on this machine; the message says what to do about it."""


def interpreter(runtime: str | None, folder: Path | None = None) -> Path:
    """The interpreter of a Lambda runtime such as `python3.12`.

    Raises:
        NoRuntime: there is none.

    """
    if not runtime:
        raise NoRuntime("functions made from container images need LocalStack in Docker")
    if not runtime.startswith("python"):
        raise NoRuntime(f"{runtime} functions need LocalStack in Docker")
    found = (folder or Path(os.environ.get(FOLDER, "runtimes"))) / runtime / "bin" / "python"
    if not found.exists():
        version = runtime.removeprefix("python")
        raise NoRuntime(
            f"Python {version} was not on this machine when LocalStack was installed: "
            f"install it (for instance `uv python install {version}`), then run `make localstack` again"
        )
    return found
