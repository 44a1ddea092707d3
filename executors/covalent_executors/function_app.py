"""What is deployed as a function, for executors that call one: a zip of `app/` and of the bootstrap that it imports."""

import io
import zipfile
from pathlib import Path

import covalent_executors
from covalent_executors import bootstrap

_TIME = (1980, 1, 1, 0, 0, 0)
_HOME = Path(str(covalent_executors.__file__)).parent
APPS = {"azure": _HOME / "azurefunctions" / "app", "google": _HOME / "gcpfunctions" / "app"}


def archive(cloud: str) -> bytes:
    """The zip for one of `APPS`; the same bytes for the same code."""
    files = {path.name: path for path in APPS[cloud].iterdir() if path.is_file()}
    files["covalent_executors/bootstrap.py"] = Path(str(bootstrap.__file__))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(files):
            _add(made, name, files[name].read_bytes())
        _add(made, "covalent_executors/__init__.py", b"")
    return target.getvalue()


def _add(made: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    made.writestr(entry, data)
