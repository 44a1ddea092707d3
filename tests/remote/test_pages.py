"""What the pages of SSH and Slurm show runs; only users, hosts and keys are others."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.remote.serving import at, login, serving
from tests.remote.slurm import Slurm
from tests.running import Server
from tests.sshd import Host, StartHost

import covalent as ct

PAGES = Path(__file__).parents[2] / "docs" / "executors"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One with a configuration that these tests may change."""
    with serving(tmp_path_factory) as found:
        yield found


def shown(page: str, there: Host) -> str:
    """The code of a page for that host."""
    (code,) = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    return at(there, code)


def ran(page: str, there: Host) -> Any:
    """What the result of the page is."""
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(shown(page, there), page, "exec"), names)
    return names["result"]


def configured(name: str, there: Host) -> None:
    kept = {key: value for key, value in login(there).items() if key in ("port", "known_hosts")}
    ct.set_config(f"executors.{name}", kept)


def test_ssh(server: Server, host: Host) -> None:
    configured("ssh", host)
    result = ran("ssh.md", host)
    assert (result.error, result.result) == (None, 3)


def test_slurm(server: Server, slurm: Slurm, start_host: StartHost) -> None:
    """It asks srun for what it has not asked sbatch for: that takes a cluster that gives whole nodes."""
    there = start_host(environment={**slurm.environment, "SBATCH_PARTITION": "whole"})
    configured("slurm", there)
    result = ran("slurm.md", there)
    assert (result.error, result.result) == (None, 3)
