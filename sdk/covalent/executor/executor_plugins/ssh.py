"""Electrons on a host that is reached by ssh."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.dispatched import DispatchedExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "SSHExecutor"


class SSHExecutor(DispatchedExecutor):
    """Runs electrons on a host by ssh. It needs Python of the version that dispatches, and cloudpickle.

    Of these, username, hostname, remote_dir and ssh_key_file are Covalent's documented ones; known_hosts and port are
    ours, the others those that its plugin is known for.

    Args:
        username: who logs in there.
        hostname: the host.
        ssh_key_file: the private key, without a passphrase: a file of this machine, or, where the deployment is on AWS,
            the ARN that `covalent secret put` has printed.
        remote_dir: folder there, in which each job makes one of its own; made if need be.
        remote_cache: an older name of remote_dir.
        python_path: the Python there; by default the first on the PATH that is of the right version.
        conda_env: environment of Conda there that it is in.
        remote_workdir: folder there, in which electrons get their working directories; by default the job's.
        create_unique_workdir: no effect: each electron has a working directory of its own.
        run_local_on_ssh_fail: no effect: an electron runs where it was told to, or fails.
        poll_freq: seconds between two looks at a job that has run for a while.
        do_cleanup: whether the job's folder is removed in the end.
        retry_connect: whether to try again, for some minutes, if the host does not answer.
        max_connection_attempts: no effect: Step Functions tries again, with pauses that grow.
        retry_wait_time: no effect, as above.
        cert_file: a certificate for the key, if the host asks for one; kept as the key is.
        port: the port of the ssh server.
        known_hosts: lines of known hosts, or a file of them. By default ~/.ssh/known_hosts; a host that is new there is
            added to it, one whose key has changed is refused.
        cache_dir: no effect: nothing is kept on this machine.
        settings: those of every executor.

    """

    SHORT_NAME = "ssh"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "username": "",
            "hostname": "",
            "ssh_key_file": "~/.ssh/id_rsa",
            "remote_dir": "~/.cache/covalent",
            "remote_cache": "",
            "python_path": "",
            "conda_env": "",
            "remote_workdir": "",
            "create_unique_workdir": False,
            "run_local_on_ssh_fail": False,
            "poll_freq": 15,
            "do_cleanup": True,
            "retry_connect": True,
            "max_connection_attempts": 5,
            "retry_wait_time": 5,
            "cert_file": "",
            "port": 22,
            "known_hosts": "",
        }
    )

    def __init__(
        self,
        username: str | None = None,
        hostname: str | None = None,
        ssh_key_file: str | None = None,
        **settings: Any,
    ) -> None:
        given = {"username": username, "hostname": hostname, "ssh_key_file": ssh_key_file}
        super().__init__(
            **{name: value for name, value in given.items() if value is not None}, **settings
        )
