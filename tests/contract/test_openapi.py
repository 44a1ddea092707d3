"""The API does what its OpenAPI document says, whatever it is asked: no 5xx, no undocumented status or answer.

Schemathesis asks a running server. It lives in an environment of its own; `make openapi` makes it and names the program
in SCHEMATHESIS.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.running import Server

import covalent as ct
from covalent_contracts.api import PREFIX

pytestmark = pytest.mark.contract

NOT_CHECKED = "positive_data_acceptance,use_after_free"
"""A manifest may have the right form and make no sense: an edge to a node that is not there, a cycle. And a trigger
that was stopped (DELETE) can still be looked at: it tells what it has run.
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    patch = pytest.MonkeyPatch()
    patch.setenv("COVALENT_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
    ct.reload_config()
    running = Server(tmp_path_factory.mktemp("covalent"), secrets.token_hex(16))
    running.start()
    yield running
    running.stop()
    patch.undo()


@ct.electron
def _next(number: int) -> int:
    print("so far:", number)
    return number + 1


@ct.electron
def _broken(number: int) -> int:
    raise ValueError(number)


@ct.lattice
def _workflow(number: int) -> list[int]:
    first = _next(number)
    return [first, _next(first), _broken(first)]


@pytest.fixture(scope="module")
def ended(server: Server) -> str:
    """A dispatch with outputs, prints and an error to show."""
    dispatch_id = ct.dispatch(_workflow)(1)
    assert ct.get_result(dispatch_id, wait=True).status == "FAILED"
    return str(dispatch_id)


@pytest.mark.parametrize("which", ["ended", "unknown"])
def test_the_document_tells_the_truth(
    server: Server, ended: str, tmp_path: Path, which: str
) -> None:
    """Once with the id of a dispatch, once with an id of none."""
    dispatch_id = ended if which == "ended" else str(uuid4())
    config = tmp_path / "schemathesis.toml"
    config.write_text(f'[parameters]\n"path.dispatch_id" = "{dispatch_id}"\n')
    command = [
        *(str(Path(os.environ["SCHEMATHESIS"]).absolute()), "--config-file", str(config), "run"),
        f"http://127.0.0.1:{server.port}{PREFIX}/openapi.json",
        *("--header", f"Authorization: Bearer {server.token}"),
        *("--checks", "all", "--exclude-checks", NOT_CHECKED),
        *("--max-examples", "20", "--seed", "1"),
        *("--suppress-health-check", "all", "--continue-on-failure", "--no-color"),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
