"""A configuration of its own for each test, and a stand-in for the server."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from covalent._programmatic import commands, server
from covalent._shared_files.config import reload_config, set_config


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Point every configured path below a fresh folder."""
    for name, folder in (
        ("COVALENT_CONFIG_DIR", "config"),
        ("COVALENT_DATA_DIR", "data"),
        ("COVALENT_CACHE_DIR", "cache"),
        ("COVALENT_LOGDIR", "log"),
    ):
        monkeypatch.setenv(name, str(tmp_path / folder))
    reload_config()
    set_config(
        {
            "workflow_data.base_dir": str(tmp_path / "data"),
            "sdk.log_dir": str(tmp_path / "log"),
            "dispatcher.cache_dir": str(tmp_path / "cache"),
            "dispatcher.port": _free_port(),
        }
    )
    yield tmp_path
    monkeypatch.undo()
    reload_config()


@pytest.fixture
def stand_in(own_config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run the stand-in instead of the real server."""
    monkeypatch.setattr(server, "MODULE", "stand_in_server")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    yield own_config
    server.ensure_stopped(commands.place())
