"""What holds for every executor holds for SSH."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tests.unit.executors.hosts.contract import HostContract

import covalent as ct


class TestSSH(HostContract):
    executor = ct.executor.SSHExecutor
    required: ClassVar[Mapping[str, Any]] = {"username": "user", "hostname": "host.example.org"}
    positional = ("username", "hostname", "ssh_key_file")
    misspelt: ClassVar[Mapping[str, str]] = {
        "hostnme": "hostname",
        "remotedir": "remote_dir",
        "ssh_keyfile": "ssh_key_file",
    }
    example: ClassVar[Mapping[str, Any]] = {
        "username": "user",
        "hostname": "host2.hostname.org",
        "remote_dir": "/tmp/covalent",
        "ssh_key_file": "~/.ssh/host2/id_rsa",
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "username": "user",
        "hostname": "host.example.org",
        "remote_dir": "~/.cache/covalent",
        "ssh_key_file": "~/.ssh/id_rsa",
        "python_path": "",
        "conda_env": "",
        "poll_freq": 15,
        "do_cleanup": True,
        "retry_connect": True,
        "known_hosts": "",
        "port": 22,
    }
    refused: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = [
        ({"username": ""}, "must be given"),
        ({"hostname": ""}, "must be given"),
        ({"hostname": "-oProxyCommand=x"}, "no such name"),
        ({"hostname": "two words"}, "no such name"),
        ({"ssh_key_file": ""}, "must be given"),
        ({"port": 0}, "greater than"),
        ({"port": 70000}, "less than"),
        ({"poll_freq": 0}, "greater than"),
        ({"max_connection_attempts": 0}, "greater than"),
    ]
