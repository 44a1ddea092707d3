"""One embedded AWS for all end-to-end tests: the real server in a process of its own."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running import Server

import covalent as ct


def _fresh(tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server(data_dir=tmp_path_factory.mktemp("covalent"), token=secrets.token_hex(16))


@pytest.fixture(scope="session")
def config_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A configuration of the tests' own."""
    folder = tmp_path_factory.mktemp("config")
    patch = pytest.MonkeyPatch()
    patch.setenv("COVALENT_CONFIG_DIR", str(folder))
    ct.reload_config()
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def _shared(config_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = _fresh(tmp_path_factory)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(_shared: Server) -> Server:
    """The shared server; tests leave it running."""
    ct.set_config({"dispatcher.port": _shared.port, "dispatcher.token": _shared.token})
    return _shared


@pytest.fixture
def own_server(config_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that a test may stop, kill and start again."""
    server = _fresh(tmp_path_factory)
    server.start()
    yield server
    server.stop()
