"""A Dask cluster of this machine, with its own keys: nobody else here can have it run anything.

It lives as long as the server. All its processes are one group, which ends as a whole.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from covalent._programmatic import server
from covalent._shared_files.config import get_config, set_config

if TYPE_CHECKING:
    from pathlib import Path

POLL_SECONDS = 1.0
DASHBOARD = "127.0.0.1:8787"
_CONFIG = {
    "distributed.scheduler.allowed-failures": 0,  # an electron whose worker dies has failed
    "distributed.worker.daemon": False,  # electrons may start processes
}
_PUBLISHED = (
    "scheduler_address",
    "dashboard_link",
    "process_info",
    "pid",
    "admin_host",
    "admin_port",
    "security_file",
)
_running: list[Any] = []


@dataclass(frozen=True)
class Size:
    """How many workers, with how many bytes of memory (0: a fair share) and threads (0: one) each."""

    workers: int
    memory: int = 0
    threads: int = 0


def run(size: Size, server_state: Path, state_file: Path) -> None:
    """Run a cluster until SIGTERM, or until the server is gone whose state file this is; then end the whole group."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    threading.Thread(target=_follow, args=(server_state, told), daemon=True).start()
    threading.Thread(target=_start, args=(size, state_file, told), daemon=True).start()
    told.wait()
    withdraw(os.getpid())
    state_file.unlink(missing_ok=True)
    shutil.rmtree(state_file.parent / "work", ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def scale(workers: int) -> None:
    """Have the cluster of this process this many workers; the scheduler calls it, which is in this process."""
    _running[0].scale(workers)


def withdraw(pid: int) -> None:
    """Have the configuration say nothing of a cluster any more, unless it is another one by now."""
    known = get_config("dask")
    if known.get("pid") == pid:
        empty = {f"dask.{name}": "" for name in _PUBLISHED if name in known}
        set_config({**empty, "dask.pid": 0, "sdk.no_cluster": "true"})


def _follow(server_state: Path, told: threading.Event) -> None:
    while server.is_alive(server_state):
        time.sleep(POLL_SECONDS)
    told.set()


def _start(size: Size, state_file: Path, told: threading.Event) -> None:
    try:
        made = _made(size, state_file.parent / "work")
        _running.append(made)
        _tell(made, state_file)
    except BaseException:
        told.set()
        raise


def _made(size: Size, folder: Path) -> Any:
    distributed = import_module("distributed")
    import_module("dask").config.set(_CONFIG)
    return distributed.LocalCluster(
        name="LocalDaskCluster",
        n_workers=size.workers,
        threads_per_worker=size.threads or 1,
        memory_limit=size.memory or "auto",
        host="127.0.0.1",
        dashboard_address=DASHBOARD,
        local_directory=str(folder),
        security=distributed.Security.temporary(),
    )


def _tell(made: Any, state_file: Path) -> None:
    """Write where it is: first the keys, which only their owner may read, then the configuration."""
    address = made.scheduler_address
    host, _, port = address.rpartition("://")[2].partition(":")
    security: Any = made.security
    keys = {
        name: getattr(security, name)
        for name in ("tls_ca_file", "tls_client_key", "tls_client_cert")
    }
    state = {
        "pid": os.getpid(),
        "port": int(port),
        "address": host,
        "started": time.time(),
        "scheduler": address,
        "dashboard": made.dashboard_link,
        "security": keys,
    }
    draft = state_file.with_suffix(".partial")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(state, file)
    draft.replace(state_file)
    values = (
        *(address, made.dashboard_link, _info(), os.getpid(), host, int(port)),
        str(state_file),
    )
    published = {f"dask.{name}": value for name, value in zip(_PUBLISHED, values, strict=True)}
    set_config({**published, "sdk.no_cluster": "false"})


def _info() -> str:
    return f"<DaskCluster name='LocalDaskCluster' parent={os.getppid()} started>"
