"""Electrons as jobs of a cluster that Slurm manages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from covalent.executor.dispatched import DispatchedExecutor

EXECUTOR_PLUGIN_NAME = "SlurmExecutor"

_POSITIONAL = (
    "username",
    "address",
    "ssh_key_file",
    "cert_file",
    "remote_workdir",
    "slurm_path",
    "conda_env",
    "cache_dir",
    "options",
    "srun_options",
    "srun_append",
    "prerun_commands",
    "postrun_commands",
)


class SlurmExecutor(DispatchedExecutor):
    """Runs electrons as jobs of Slurm, submitted on a login node by ssh.

    The nodes need Python of the version that dispatches, and cloudpickle. Of these, username, address, ssh_key_file,
    remote_workdir, cache_dir, options, srun_options, srun_append, prerun_commands and postrun_commands are Covalent's
    documented ones; known_hosts and port are ours, the others those that its plugin is known for.

    Args:
        username: who logs in.
        address: the login node.
        ssh_key_file: the private key, without a passphrase: a file of this machine, or, where the deployment is on AWS,
            the ARN that `covalent secret put` has printed.
        cert_file: a certificate for the key, if the login node asks for one; kept as the key is.
        remote_workdir: folder that login node and nodes share, in which each job makes one of its own; made if need be.
        slurm_path: folder of sbatch and the like, where they are not on the PATH.
        conda_env: environment of Conda to enter in the job.
        cache_dir: no effect: nothing is kept on this machine.
        options: options of sbatch, with or without their hyphens; the value of a flag is "" or true.
        srun_options: options of srun, likewise.
        srun_append: what is put between srun and Python.
        prerun_commands: shell commands before it.
        postrun_commands: and after it.
        use_srun: whether Python is run by srun; without it, on the first node alone.
        bashrc_path: file to read in the job before Conda is used; "" for none.
        variables: environment variables of the job.
        create_unique_workdir: no effect: each electron has a working directory of its own.
        poll_freq: seconds between two looks at a job that has run for a while.
        cleanup: whether the job's folder is removed in the end.
        ignore_versions: no effect: what another minor version of Python has pickled cannot be run, and the electron
            says so.
        port: the port of the ssh server.
        known_hosts: lines of known hosts, or a file of them. By default ~/.ssh/known_hosts; a host that is new there is
            added to it, one whose key has changed is refused.
        settings: those of every executor.

    """

    SHORT_NAME = "slurm"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "username": "",
            "address": "",
            "ssh_key_file": "~/.ssh/id_rsa",
            "cert_file": "",
            "remote_workdir": "covalent-workdir",
            "slurm_path": "",
            "conda_env": "",
            "cache_dir": "",
            "options": MappingProxyType({}),
            "srun_options": MappingProxyType({}),
            "srun_append": "",
            "prerun_commands": (),
            "postrun_commands": (),
            "use_srun": True,
            "bashrc_path": "$HOME/.bashrc",
            "variables": MappingProxyType({}),
            "create_unique_workdir": False,
            "poll_freq": 60,
            "cleanup": True,
            "ignore_versions": False,
            "port": 22,
            "known_hosts": "",
        }
    )

    options: dict[str, Any]
    srun_options: dict[str, Any]
    variables: dict[str, Any]
    prerun_commands: list[str]
    postrun_commands: list[str]

    def __init__(self, *args: Any, **settings: Any) -> None:
        if len(args) > len(_POSITIONAL):
            raise TypeError(f"SlurmExecutor takes {len(_POSITIONAL)} arguments by position")
        given = dict(zip(_POSITIONAL, args, strict=False))
        twice = sorted(given.keys() & settings)
        if twice:
            raise TypeError(f"SlurmExecutor got {twice[0]!r} twice")
        super().__init__(**given, **settings)
        for name in ("options", "srun_options", "variables"):  # the executor's own, and JSON
            value = getattr(self, name)
            setattr(self, name, dict(value) if isinstance(value, Mapping) else value or {})
        for name in ("prerun_commands", "postrun_commands"):
            value = getattr(self, name)
            setattr(self, name, list(value) if isinstance(value, (list, tuple)) else value or [])
