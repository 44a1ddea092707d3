"""An embedded AWS for tests on other hosts, and how its executors and what is written about them get there."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.running import Server
from tests.sshd import Host

import covalent as ct


@contextmanager
def serving(folders: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a configuration of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COVALENT_CONFIG_DIR", str(folders.mktemp("config")))
        ct.reload_config()
        running = Server(folders.mktemp("covalent"), secrets.token_hex(16))
        running.start()
        yield running
        running.stop()
    ct.reload_config()


def login(host: Host) -> dict[str, Any]:
    """What SSH and Slurm executors have in common."""
    return {
        "username": host.user,
        "port": host.port,
        "ssh_key_file": str(host.key),
        "known_hosts": str(host.known_hosts),
    }


def at(there: Host, text: str) -> str:
    """A script or configuration that names users, hosts, keys and folders, with those of this host in their places."""
    own = {
        "username": there.user,
        "hostname": "127.0.0.1",
        "address": "127.0.0.1",
        "ssh_key_file": str(there.key),
        "remote_dir": str(there.folder),
        "remote_workdir": str(there.folder),
    }
    for name, value in own.items():
        text = re.sub(rf'(\b{name} ?= ?)".*?"', rf'\1"{value}"', text)
    return text
