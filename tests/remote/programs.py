"""Programs that take the place of the runner: zips that Python runs, which do what their ticket says."""

import io
import json
import platform
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from covalent_executors.adapter import Adapter, Handle, Job, Sighting, State

PYTHON = ".".join(platform.python_version_tuple()[:2])
TIMEOUT = 60.0
"""Seconds; only a failing run waits so long."""

_SOURCE = """
import json, os, subprocess, sys, time
here = os.path.dirname(os.path.abspath(sys.argv[0]))
ticket = json.load(open(os.path.join(here, "ticket.json")))
print("begun", flush=True)
for apart in ticket.get("children", ()):
    subprocess.Popen(["sleep", "600"], start_new_session=apart)
if "tell" in ticket:
    partial = ticket["tell"] + ".partial"
    with open(partial, "w") as file:
        json.dump({"pid": os.getpid(), "here": here, "cwd": os.getcwd(), "env": dict(os.environ)}, file)
    os.rename(partial, ticket["tell"])
while "until" in ticket and not os.path.exists(ticket["until"]):
    time.sleep(0.02)
sys.exit(ticket.get("code", 0))
"""


def program() -> bytes:
    """The zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("__main__.py", _SOURCE)
    return content.getvalue()


def job(name: str, time_limit: float = 0, python: str = PYTHON, **ticket: Any) -> Job:
    """A job that does what its ticket says.

    tell: the file to write, once it runs. until: the file to wait for. code: the exit code. children: start these,
    each in a session of its own or not.
    """
    return Job(name, program(), json.dumps(ticket).encode(), python, time_limit)


def ended(adapter: Adapter, handle: Handle, pause: float = 0.05) -> Sighting:
    """How a job stands once it has ended."""
    return seen(adapter, handle, lambda sighting: sighting.state is State.ENDED, pause)


def seen(
    adapter: Adapter, handle: Handle, wanted: Callable[[Sighting], bool], pause: float = 0.05
) -> Sighting:
    """How a job stands once it is as it must be."""
    deadline = time.monotonic() + TIMEOUT
    while not wanted(sighting := adapter.look(handle)):
        assert time.monotonic() < deadline, sighting
        time.sleep(pause)  # a place tells only when it is asked
    return sighting


def told(path: Path) -> dict[str, Any]:
    """What a program has told."""
    deadline = time.monotonic() + TIMEOUT
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not come"
        time.sleep(0.02)  # a file of another process: there is no event to wait for
    found: dict[str, Any] = json.loads(path.read_text())
    return found
