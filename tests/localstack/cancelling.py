"""Dispatch an electron that waits for a child process, cancel it, and print as JSON what came of it.

A process of its own, because configuration and credentials come from its environment.
"""

import json
import os
import select
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import covalent as ct

SECONDS = 60.0
"""Only a failing run waits so long: a function looks every five seconds whether it was cancelled."""


@ct.electron
def sleeper(folder: str) -> None:
    import subprocess

    child = subprocess.Popen(["sleep", "600"])
    written = Path(folder, ".pid")
    written.write_text(str(child.pid))
    written.rename(Path(folder, "pid"))
    child.wait()


@ct.electron
def after(value: Any) -> Any:
    return value


@ct.lattice
def workflow(folder: str) -> Any:
    return after(sleeper(folder))


def cancelled(folder: Path) -> dict[str, Any]:
    """Cancel the workflow once its child runs, and tell how it went."""
    dispatch_id = ct.dispatch(workflow)(str(folder))
    end = time.monotonic() + SECONDS
    while not (folder / "pid").exists():
        assert time.monotonic() < end, ct.get_result(dispatch_id)
        time.sleep(0.1)  # a file of another process: there is no event to wait for
    child = os.pidfd_open(int((folder / "pid").read_text()))
    began = time.monotonic()
    message = ct.cancel(dispatch_id)
    result = ct.get_result(dispatch_id)
    told = time.monotonic() - began
    has_ended = bool(select.select([child], [], [], SECONDS)[0])
    nodes = {node["node_name"]: str(node["status"]) for node in result.get_all_node_results()}
    return {
        "dispatch_id": dispatch_id,
        "message": message,
        "status": str(result.status),
        "statuses": [nodes["sleeper"], nodes["after"]],
        "child_has_ended": has_ended,
        "told": told,
        "seconds": time.monotonic() - began,
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        sys.stdout.write(json.dumps(cancelled(Path(name))))
