"""Places that are not AWS, for real: ssh servers and Slurm on this machine.

These tests run only when asked for, `-m remote`, as `make remote` does. What they need and cannot find is an error.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.remote.serving import serving
from tests.remote.slurm import Slurm, login_node, slurm
from tests.running import Server
from tests.sshd import Host, StartHost, host, start_host

__all__ = ["Host", "Slurm", "StartHost", "host", "login_node", "slurm", "start_host"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests out unless the marker is named."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    for item in ours:
        item.add_marker("remote")
    if "remote" not in str(config.option.markexpr):
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One embedded AWS for all electrons elsewhere."""
    with serving(tmp_path_factory) as found:
        yield found
