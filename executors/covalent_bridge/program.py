"""The runner as one file, which any Python of the right minor version runs: it has cloudpickle in it."""

import io
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from covalent_contracts import keys
from covalent_contracts.ids import digest_of

_TIME = (1980, 1, 1, 0, 0, 0)
_MAIN = """\
import sys
from pathlib import Path

from covalent_runner.remote.main import main

sys.exit(main(Path(sys.argv[0]).resolve().parent))
"""
_LEFT_OUT = (
    "aws_",
    "guard",
    "cell",
    "lambda_handler",
    "electron_role",
    "confinement",
    "signed_http",
)
"""Modules that only make sense in AWS."""


@cache
def program() -> bytes:
    """The zip; the same bytes for the same code."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", _MAIN.encode())
        for package in ("cloudpickle", "covalent_contracts", "covalent_runner"):
            home = _home(package)
            for path in sorted(home.rglob("*.py")):
                if not path.name.startswith(_LEFT_OUT):
                    name = path.relative_to(home.parent).as_posix()
                    _add(archive, name, path.read_bytes())
    return target.getvalue()


@cache
def program_key() -> str:
    """Where the bucket has it."""
    return keys.program(digest_of(program()))


def _home(package: str) -> Path:
    """Where a package lies. It is not imported: the bridge has no use for cloudpickle, and must have none."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed beside the bridge")
    return Path(found.origin).parent


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)
