"""A cluster of one node on this machine: munged, slurmctld and slurmd with ports and folders of their own."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from tests.sshd import READY_SECONDS, Host, StartHost, free_port, tool

CPUS = 32
"""As many as the examples of the reference ask for, and more than there are: jobs here do little."""

_CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={controller}
SlurmdPort={node}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=2000
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
MpiDefault=none
ReturnToService=2
SlurmdTimeout=5
MessageTimeout=3
KillWait=2
GresTypes=gpu
SuspendProgram=/bin/true
ResumeProgram=/bin/true
ResumeTimeout=3
SuspendTime=600
SuspendExcNodes={host}
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=128000 Gres=gpu:4 Feature=gpu State=UNKNOWN
NodeName=rented CPUs=1 RealMemory=2000 State=CLOUD
NodeName=broken CPUs=1 RealMemory=2000 State=DOWN
PartitionName=DEFAULT Nodes={host} PreemptMode=OFF State=UP
PartitionName=debug Default=YES MaxTime=INFINITE
PartitionName=short MaxTime=1
PartitionName=closed State=DOWN
PartitionName=whole OverSubscribe=EXCLUSIVE
PartitionName=cancels PreemptMode=CANCEL
PartitionName=requeues PreemptMode=REQUEUE
PartitionName=urgent PriorityTier=10
PartitionName=cloud Nodes=rented
PartitionName=down Nodes=broken
"""


class Slurm:
    """The daemons and their folder.

    Jobs in the partitions `cancels` and `requeues` give way to those in `urgent`. The node of `cloud` is rented when a
    job needs it, and never comes; that of `down` is down. Jobs that take more memory than they asked for end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("state", "spool"):
            (folder / name).mkdir()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        configuration = _CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0],
            user="root",
            folder=folder,
            controller=free_port(),
            node=free_port(),
            cpus=CPUS,
        )
        (folder / "slurm.conf").write_text(configuration)
        for number in range(4):  # Slurm sees only that the device is there
            (folder / f"gpu{number}").touch()
        (folder / "gres.conf").write_text(f"Name=gpu File={folder}/gpu[0-3]\n")

    @property
    def environment(self) -> Mapping[str, str]:
        """What the commands of Slurm find the cluster by."""
        return {"SLURM_CONF": str(self._folder / "slurm.conf")}

    def start(self) -> None:
        """Start the cluster, and wait until its node is idle."""
        self._munge()
        for name in ("slurmctld", "slurmd"):
            self.run(name)
        self.await_node("idle")

    def _munge(self) -> None:
        names = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid"}
        names |= {"log-file": "munge.log", "seed-file": "munge.seed"}
        options = [f"--{name}={self._folder / file}" for name, file in names.items()]
        self._begin("munged", [tool("munged", "munge"), "--foreground", "--force", *options])
        self._await(self._folder / "munge.socket")

    def run(self, name: str) -> None:
        """Run slurmctld or slurmd."""
        package = "slurm-wlm"
        self._begin(name, [tool(name, package), "-D", "-f", self.environment["SLURM_CONF"]])

    def _begin(self, name: str, command: list[str]) -> None:
        log = (self._folder / f"{name}.out").open("ab")
        environment = {**os.environ, **self.environment}
        self._running[name] = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )

    def kill(self, name: str) -> None:
        """End a daemon as a crash would."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(READY_SECONDS)

    def command(self, *words: str) -> str:
        """What a command of Slurm says."""
        done = subprocess.run(
            words,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def await_node(self, *states: str) -> None:
        """Wait until the node is in one of these states."""
        deadline = time.monotonic() + READY_SECONDS
        while (
            found := self.command("sinfo", "-h", "-p", "debug", "-o", "%T").strip()
        ) not in states:
            assert time.monotonic() < deadline, f"{found}\n{self.logs()}"
            time.sleep(0.1)  # daemons tell only when they are asked

    def await_saved(self, word: str) -> None:
        """Wait until the controller has written down a job with this word in it; one that crashes before forgets it."""
        deadline, saved = time.monotonic() + READY_SECONDS, self._folder / "state" / "job_state"
        while not saved.exists() or word.encode() not in saved.read_bytes():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.05)  # it writes every few seconds, and tells nobody

    def logs(self) -> str:
        """The end of what the daemons have written."""
        return "\n".join(path.read_text()[-3000:] for path in sorted(self._folder.glob("*.out")))

    def _await(self, path: Path) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not path.exists():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.02)  # as above

    def stop(self) -> None:
        """End all jobs and daemons."""
        if "slurmctld" in self._running:
            self.command("scancel", "--user=root")
        for name in ("slurmd", "slurmctld", "munged"):
            if process := self._running.pop(name, None):
                process.terminate()
                process.wait(READY_SECONDS)
        self._end_orphans()

    def _end_orphans(self) -> None:
        """End what a killed slurmd has let go of."""
        mark = f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    os.kill(int(folder.name), signal.SIGKILL)


def example_programs(folder: Path) -> Path:
    """Fill a folder with the programs that the examples of the reference name.

    Each writes down that it ran, in the file `calls` there; `nsys` then runs what it should profile.
    """
    folder.mkdir()
    for name in ("module", "dcgmi", "nsys"):
        run = 'while [ "$1" != python ]; do shift; done; exec "$@"' if name == "nsys" else ""
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/calls\n{run}\n')
        program.chmod(0o700)
    return folder


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A cluster."""
    found = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="session")
def login_node(slurm: Slurm, start_host: StartHost) -> Host:
    """A host with the commands of the cluster."""
    return start_host(environment=slurm.environment)
