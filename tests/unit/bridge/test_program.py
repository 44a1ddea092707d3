import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

from covalent_bridge.program import program


def test_it_is_the_same_for_the_same_code() -> None:
    before = program()
    program.cache_clear()
    assert program() == before


def test_it_holds_no_code_that_needs_aws_or_the_sdk() -> None:
    with zipfile.ZipFile(io.BytesIO(program())) as archive:
        names = archive.namelist()
        text = {name: archive.read(name).decode() for name in names}
    assert {name.split("/")[0] for name in names} == {
        "__main__.py", "cloudpickle", "covalent_contracts", "covalent_runner"
    }  # fmt: skip
    assert [name for name, source in text.items() if "import boto" in source] == []


def test_a_bare_python_runs_it(tmp_path: Path) -> None:
    """Without site-packages, from another folder: it misses its ticket, and nothing else."""
    (tmp_path / "workflow_script.py").write_bytes(program())
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "workflow_script.py")],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    assert "ticket.json" in done.stderr.splitlines()[-1], done.stderr
    assert done.returncode == 1


def test_it_is_small() -> None:
    assert len(program()) < 256 * 1024, json.dumps(len(program()))
