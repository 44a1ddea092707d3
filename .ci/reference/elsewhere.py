"""Where the scripts run that need more than AWS: hosts, a cluster and clouds, all on this machine."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clouds.world import world
from tests.remote.serving import at, login
from tests.remote.slurm import Slurm, example_programs
from tests.sshd import Host, Servers

from reference.text import Block, Reference


@dataclass(frozen=True)
class Elsewhere:
    """The hosts, by the section of the reference that is about their executor."""

    hosts: Mapping[str, Host]

    def mended(self, block: Block, text: str) -> str:
        """A block's text with the user, host, key and folder that are there in the place of the reference's."""
        for section, host in self.hosts.items():
            if section in block.heading.path:
                return at(host, text)
        return text

    def configuration(self, reference: Reference) -> str:
        """The blocks that configure the executors of the hosts; beside them, how a server on this machine is found."""
        told = []
        for block in reference.blocks:
            for section, host in self.hosts.items():
                name = section.partition(" ")[0].lower()
                header = f"[executors.{name}]\n"
                if section in block.heading.path and block.text.startswith(header):
                    here = login(host)
                    ours = f'port = {here["port"]}\nknown_hosts = "{here["known_hosts"]}"\n'
                    told.append(at(host, block.text.replace(header, header + ours)))
        return "\n".join(told)


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
