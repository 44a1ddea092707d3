"""Where the scripts run that need more than AWS: hosts, a cluster and clouds, all on this machine."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clouds.world import world
from tests.remote.serving import at
from tests.remote.slurm import Slurm, example_programs
from tests.sshd import Host, Servers

from reference.text import Block, Reference


@dataclass(frozen=True)
class Elsewhere:
    """The hosts, by the section of the reference that is about their executor."""

    hosts: Mapping[str, Host]

    def mended(self, block: Block, text: str) -> str:
        """A block's text with the user, host, key and folder that are there in the place of the reference's."""
        host = self._host(block)
        return at(host, text) if host else text

    def configuration(self, reference: Reference) -> str:
        """The blocks that configure the executors of the hosts; beside them, how a server on this machine is found."""
        told = []
        for block in reference.blocks:
            host = self._host(block)
            if host and block.text.startswith("[executors."):
                header, _, settings = block.text.partition("\n")
                ours = f'port = {host.port}\nknown_hosts = "{host.known_hosts}"'
                told.append(at(host, f"{header}\n{ours}\n{settings}"))
        return "\n".join(told)

    def _host(self, block: Block) -> Host | None:
        return next((self.hosts[each] for each in block.heading.path if each in self.hosts), None)


@contextmanager
def running(folder: Path) -> Iterator[Elsewhere]:
    """All of them; this process and its children find the clouds."""
    homes = [folder / name for name in ("clouds", "slurm", "hosts")]
    for home in homes:
        home.mkdir()
    cluster, start_host = Slurm(homes[1]), Servers(homes[2])
    programs = example_programs(folder / "programs")
    on_nodes = {
        **cluster.environment,
        "SBATCH_PARTITION": "whole",  # the example asks srun for what it has not asked sbatch for
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    try:
        cluster.start()
        hosts = {"SSH Executor": start_host(), "Slurm Executor": start_host(environment=on_nodes)}
        with world(homes[0]):
            yield Elsewhere(hosts)
    finally:
        start_host.close()
        cluster.stop()
