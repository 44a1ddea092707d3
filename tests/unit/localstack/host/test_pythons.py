"""Finding interpreters."""

import os
import sys
from pathlib import Path

import pytest

from covalent_contracts.errors import Unavailable
from covalent_localstack.host import pythons

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


def _program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an empty PATH and home, and a uv that knows no Python."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.setattr(pythons, "uv", lambda: str(_program(tmp_path / "uv", "exit 2")))


def test_one_on_the_path(tmp_path: Path) -> None:
    there = _program(tmp_path / "bin" / f"python{OURS}", f'exec {sys.executable} "$@"')
    assert pythons.find(OURS) == there


def test_a_shim_of_pyenv_that_does_not_work_leads_to_pyenvs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = _program(tmp_path / "pyenv" / "shims" / f"python{OURS}", "exit 127")
    name = f"python{OURS}"
    real = _program(
        tmp_path / "pyenv" / "versions" / f"{OURS}.9" / "bin" / name, f'exec {sys.executable} "$@"'
    )
    monkeypatch.setenv("PATH", str(shim.parent))
    assert pythons.find(OURS) == real


def test_one_that_uv_has_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    managed = _program(tmp_path / "managed", f'exec {sys.executable} "$@"')
    knows = _program(tmp_path / "uv", f"echo {managed}")
    monkeypatch.setattr(pythons, "uv", lambda: str(knows))
    assert pythons.find(OURS) == managed


def test_one_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    _program(tmp_path / "bin" / "python3.99", f'exec {sys.executable} "$@"')
    assert pythons.find("3.99") is None


def test_without_uv_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(Unavailable, match="pip install uv"):
        pythons.uv()
