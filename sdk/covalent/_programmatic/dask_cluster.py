"""The Dask cluster beside the local server: find it, start it, stop it, ask it.

It starts in the background, after the server, in a process of its own (`covalent._cluster`), and ends with the server.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covalent._programmatic import processes, server
from covalent._programmatic.server import Place
from covalent._shared_files.config import get_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from covalent._programmatic.limits import Limits

MODULE = "covalent._cluster"
"""What `python -m` runs."""
MISSING = "There is no Dask cluster: it needs pip install 'covalent-serverless[dask]'"
NONE = "There is no Dask cluster"
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Cluster:
    """A cluster whose process runs; `address` is empty until it is ready."""

    pid: int
    address: str = ""
    dashboard: str = ""
    security: dict[str, str] | None = None


def place_beside(beside: Place) -> Place:
    """Where the cluster of a server keeps its state and its log."""
    return Place(beside.data_dir / "dask", beside.log_file.with_name("covalent_dask.log"))


def is_wanted() -> bool:
    """Whether the environment lets `covalent start` start one."""
    return os.environ.get("COVALENT_DISABLE_DASK", "") not in ("1", "true")


def is_installed() -> bool:
    """Whether there is what it is made of."""
    return find_spec("distributed") is not None


def find(beside: Place) -> Cluster | None:
    """The cluster of a server, or None."""
    here = place_beside(beside)
    started = _read(_process_file(here))
    pid = int(started.get("pid", 0))
    if not pid or not processes.is_process(pid, here.state_file):
        return None
    state = _read(here.state_file)
    if state.get("pid") != pid:
        return Cluster(pid)
    return Cluster(pid, state["scheduler"], state["dashboard"], state["security"])


def launch(beside: Place, workers: int, limits: Limits) -> Cluster:
    """Start a cluster for a server that runs, and do not wait for it."""
    here = place_beside(beside)
    stop(beside)
    here.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    here.log_file.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", MODULE, "--workers", str(workers), *limits.options()]
    command += ["--server-state", str(beside.state_file), "--state-file", str(here.state_file)]
    process = server.spawn(here, command, {})
    _process_file(here).write_text(json.dumps({"pid": process.pid}))
    processes.own(process)
    return Cluster(process.pid)


def stop(beside: Place) -> bool:
    """Stop the cluster of a server; False if there is none."""
    here = place_beside(beside)
    found = find(beside)
    if found is not None:
        processes.end(found.pid, here.state_file)
        from covalent._cluster.process import withdraw  # noqa: PLC0415  # if it could not itself

        withdraw(found.pid)
    for file in (here.state_file, _process_file(here)):
        file.unlink(missing_ok=True)
    return found is not None


@contextmanager
def client_of(cluster: Cluster) -> Iterator[Any]:
    """A client of a cluster that is ready."""
    distributed = import_module("distributed")
    security = distributed.Security(require_encryption=True, **(cluster.security or {}))
    with distributed.Client(
        cluster.address, timeout=CONNECT_SECONDS, security=security, set_as_default=False
    ) as client:
        yield client


def security_of(address: str) -> dict[str, str] | None:
    """The keys for a scheduler, if it is that of the cluster which the configuration tells of."""
    known = get_config("dask")
    if not address or known.get("scheduler_address") != address:
        return None
    found: dict[str, str] | None = _read(Path(str(known.get("security_file", "")))).get("security")
    return found


def _process_file(here: Place) -> Path:
    return here.data_dir / "process.json"


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
