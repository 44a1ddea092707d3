"""`covalent doctor` against the real server of this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import covalent as ct
from covalent._cli.main import cli
from covalent._programmatic import commands, server
from covalent._shared_files.config import reload_config, set_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def started(tmp_path: Path) -> Iterator[None]:
    """A server of its own, started as users start it."""
    patch = pytest.MonkeyPatch()
    for name, folder in (
        ("COVALENT_CONFIG_DIR", "config"),
        ("COVALENT_DATA_DIR", "data"),
        ("COVALENT_CACHE_DIR", "cache"),
        ("COVALENT_LOGDIR", "log"),
    ):
        patch.setenv(name, str(tmp_path / folder))
    patch.delenv("COVALENT_PROFILE", raising=False)
    reload_config()
    ct.covalent_start(workers=1, quiet=True)
    yield
    ct.covalent_stop(quiet=True)
    patch.undo()
    reload_config()


@ct.electron
def increment(x: int) -> int:
    return x + 1


@ct.lattice
def workflow(x: int) -> Any:
    return increment(x)


def _doctor() -> tuple[int, dict[str, dict[str, str]]]:
    done = CliRunner().invoke(cli, ["doctor", "--json"])
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["ok"] is (done.exit_code == 0)
    return done.exit_code, {each["name"]: each for each in document["checks"]}


@pytest.mark.usefixtures("started")
def test_doctor_of_a_local_server() -> None:
    code, found = _doctor()
    assert code == 0, found
    assert {each["state"] for each in found.values()} == {"ok"}, found
    assert "1 workers" in found["server"]["detail"]
    assert "GiB free" in found["disk"]["detail"]

    assert ct.dispatch_sync(workflow)(1).result == 2
    code, found = _doctor()
    assert code == 0, found
    assert "gives what was dispatched" in found["object store"]["detail"]

    set_config("dispatcher.token", "another")
    code, found = _doctor()
    assert code == 1
    assert found["permission"]["state"] == "failed"
    assert "covalent start" in found["permission"]["cure"]

    server.ensure_stopped(commands.place())
    code, found = _doctor()
    assert code == 1
    assert "covalent start" in found["health"]["cure"]
