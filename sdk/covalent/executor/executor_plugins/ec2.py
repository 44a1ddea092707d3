"""Electrons on EC2 instances."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.dispatched import DispatchedExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "EC2Executor"


class EC2Executor(DispatchedExecutor):
    """Runs each electron on an EC2 instance of its own, which Step Functions starts and which ends with the electron.

    Nothing logs in to the instance: it fetches the runner, runs the electron and terminates by itself.

    Args:
        instance_type: the kind of machine.
        volume_size: GiB of its disk.
        ssh_key_file: the private key of the key pair; only its name is used, for `key_name`.
        key_name: the key pair that may log in; the name of `ssh_key_file` if empty.
        vpc: the network; the deployment's if empty.
        subnet: the subnet; the deployment's if empty. Needed with `vpc`.
        profile: the profile of AWS on the user's own machine.
        credentials_file: the file that it is in.
        region: accepted for compatibility: instances run in the region of the deployment.
        remote_cache: accepted for compatibility: nothing of an instance is kept.
        settings: those of every executor.

    """

    SHORT_NAME = "ec2"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "profile": "default",
            "region": "us-east-1",
            "credentials_file": "~/.aws/credentials",
            "ssh_key_file": "~/.ssh/id_rsa",
            "instance_type": "t2.micro",
            "key_name": "",
            "volume_size": 8,
            "vpc": "",
            "subnet": "",
            "remote_cache": "~/.cache/covalent",
        }
    )

    ssh_key_file: str
    key_name: str

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        if not self.key_name:
            self.key_name = Path(self.ssh_key_file).stem
