import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from covalent_executors import function_app


@pytest.mark.parametrize("cloud", function_app.APPS)
def test_the_same_bytes_for_the_same_code(cloud: str) -> None:
    assert function_app.archive(cloud) == function_app.archive(cloud)


@pytest.mark.parametrize(("cloud", "main"), [("azure", "function_app"), ("google", "main")])
def test_it_needs_nothing_else_of_ours(cloud: str, main: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(function_app.archive(cloud))) as archive:
        archive.extractall(tmp_path)
    code = (
        f"import {main}, sys\n"
        "ours = [n for n in sys.modules if n.startswith('covalent')]\n"
        "print(sorted(ours), sys.modules['covalent_executors'].__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    ours = "['covalent_executors', 'covalent_executors.bootstrap']"
    assert done.stdout == f"{ours} {tmp_path}/covalent_executors/__init__.py\n"


def test_the_host_s_settings() -> None:
    host = json.loads((function_app.APPS["azure"] / "host.json").read_text())
    assert host["version"] == "2.0"
    assert host["functionTimeout"] == "00:10:00", "more is refused by a Consumption plan"
    assert host["extensions"]["durableTask"]["maxConcurrentActivityFunctions"] == 1


@pytest.mark.parametrize("cloud", function_app.APPS)
def test_no_caches_are_deployed(cloud: str) -> None:
    with zipfile.ZipFile(io.BytesIO(function_app.archive(cloud))) as archive:
        assert not [name for name in archive.namelist() if "pycache" in name]
