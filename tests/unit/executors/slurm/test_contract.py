"""What holds for every executor holds for Slurm."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tests.unit.executors.hosts.contract import HostContract

import covalent as ct
from covalent_executors.adapter import State
from covalent_executors.slurm import states


class TestSlurm(HostContract):
    executor = ct.executor.SlurmExecutor
    required: ClassVar[Mapping[str, Any]] = {"username": "user", "address": "login.cluster.org"}
    positional = ("username", "address", "ssh_key_file", "cert_file", "remote_workdir")
    misspelt: ClassVar[Mapping[str, str]] = {
        "adress": "address",
        "srun_option": "srun_options",
        "prerun_command": "prerun_commands",
    }
    example: ClassVar[Mapping[str, Any]] = {
        "username": "user",
        "address": "login.cluster.org",
        "remote_workdir": "/scratch/user/experiment1",
        "options": {"qos": "regular", "time": "01:30:00", "nodes": 1, "constraint": "gpu"},
        "prerun_commands": [
            "module load package/1.2.3",
            "srun --ntasks-per-node 1 dcgmi profile --pause",
        ],
        "srun_options": {"n": 4, "c": 8, "cpu-bind": "cores", "G": 4, "gpu-bind": "single:1"},
        "srun_append": "nsys profile --stats=true -t cuda --gpu-metrics-device=all",
        "postrun_commands": ["srun --ntasks-per-node 1 dcgmi profile --resume"],
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "username": "user",
        "address": "login.cluster.org",
        "ssh_key_file": "~/.ssh/id_rsa",
        "cert_file": "",
        "remote_workdir": "covalent-workdir",
        "slurm_path": "",
        "conda_env": "",
        "cache_dir": "",
        "options": {},
        "srun_options": {},
        "srun_append": "",
        "prerun_commands": [],
        "postrun_commands": [],
        "use_srun": True,
        "bashrc_path": "$HOME/.bashrc",
        "variables": {},
        "poll_freq": 60,
        "cleanup": True,
        "ignore_versions": False,
    }
    refused: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = [
        ({"username": ""}, "must be given"),
        ({"address": ""}, "must be given"),
        ({"remote_workdir": ""}, "must be given"),
        ({"options": {"array": "0-9"}}, "several electrons"),
        ({"options": {"--wait": ""}}, "does not wait"),
        ({"options": {"no de": 1}}, "no name of an option"),
        ({"options": {"comment": "a\n#SBATCH --qos=x"}}, "one line"),
        ({"options": "--nodes=1"}, "valid dictionary"),
        ({"srun_append": "a\nb"}, "one line"),
        ({"prerun_commands": "module load x"}, "valid list"),
        ({"variables": {"A B": "x"}}, "no name of an environment variable"),
        ({"poll_freq": 0}, "greater than"),
    ]
    native_states: ClassVar[Mapping[str, State]] = {
        "BOOT_FAIL": State.ENDED,
        "CANCELLED": State.ENDED,
        "COMPLETED": State.ENDED,
        "COMPLETING": State.RUNNING,
        "CONFIGURING": State.PENDING,
        "DEADLINE": State.ENDED,
        "FAILED": State.ENDED,
        "NODE_FAIL": State.ENDED,
        "OUT_OF_MEMORY": State.ENDED,
        "PENDING": State.PENDING,
        "PREEMPTED": State.ENDED,
        "REQUEUED": State.PENDING,
        "REQUEUE_FED": State.PENDING,
        "REQUEUE_HOLD": State.PENDING,
        "RESIZING": State.RUNNING,
        "RESV_DEL_HOLD": State.PENDING,
        "REVOKED": State.ENDED,
        "RUNNING": State.RUNNING,
        "SIGNALING": State.RUNNING,
        "SPECIAL_EXIT": State.ENDED,
        "STAGE_OUT": State.RUNNING,
        "STOPPED": State.RUNNING,
        "SUSPENDED": State.RUNNING,
        "TIMEOUT": State.ENDED,
    }

    def read(self, native: str) -> State:
        reading = states.read(f"JobId=7 JobState={native} Reason=None ExitCode=1:0 Partition=debug")
        assert reading is not None
        return reading.sighting.state

    def test_the_table_of_states_is_whole(self) -> None:
        assert set(states.STATES) == set(self.native_states)

    def test_thirteen_arguments_by_position_and_no_more(self) -> None:
        import pytest

        made = ct.executor.SlurmExecutor(
            *("user", "login", "key", None, "/scratch", None, "env", None, {"nodes": 1}, {"n": 2}),
            *("nsys", ["before"], ["after"]),
        )
        assert (made.options, made.srun_options) == ({"nodes": 1}, {"n": 2})
        assert (made.prerun_commands, made.postrun_commands) == (["before"], ["after"])
        with pytest.raises(TypeError, match="takes 13 arguments"):
            ct.executor.SlurmExecutor(*range(14))
        with pytest.raises(TypeError, match="'username' twice"):
            ct.executor.SlurmExecutor("user", username="user")

    def test_executors_share_no_defaults(self) -> None:
        one, other = self.made(), self.made()
        one.options["nodes"] = 4
        assert other.options == {}
