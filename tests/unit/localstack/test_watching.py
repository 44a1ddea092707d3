"""The child that watches on this machine: when it is told to look, and that it ends with the server."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from covalent_localstack import watching
from covalent_localstack.watching import Watching

PATIENCE = 30
CHILD = "import sys; [print(line, end='', flush=True) for line in sys.stdin]"
_spawn = subprocess.Popen


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watching:
    """One whose child repeats what it is told."""

    def spawn(command: list[str], **options: Any) -> Any:
        assert command[1:] == ["-P", "-m", "covalent._triggers", "--told"]
        assert options["env"][watching.ADDRESS] == "http://127.0.0.1:1"
        assert not [name for name in options["env"] if name.startswith("AWS_")]
        return _spawn([sys.executable, "-c", CHILD], **options)

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the token of the server")
    monkeypatch.setattr(subprocess, "Popen", spawn)
    return Watching("http://127.0.0.1:1", "token", tmp_path / "log")


def test_is_told_of_what_has_changed(made: Watching, tmp_path: Path) -> None:
    made.saw("GET", "/api/v1/triggers", 200)
    made.saw("POST", "/api/v1/triggers", 400)
    made.saw("POST", "/api/v1/triggers/x/fire", 202)
    made.saw("POST", "/api/v1/dispatches", 201)
    assert made._child is None
    made.saw("POST", "/api/v1/triggers", 201)  # it looks when it starts
    child = made._child
    made.saw("DELETE", "/api/v1/triggers/x", 200)
    made.stop()
    assert child is not None
    assert child.returncode == 0
    assert (tmp_path / "log").read_text() == "look\n"
    made.look()
    assert made._child is None


def test_one_that_died_is_started_again(made: Watching) -> None:
    made.look()
    first = made._child
    assert first is not None
    first.kill()
    first.wait(PATIENCE)
    made.look()
    assert made._child is not None
    assert made._child is not first
    made.stop()
