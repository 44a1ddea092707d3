"""The process that watches for triggers on this machine, without a server: `covalent start --triggers-only`."""

import sys
from importlib.util import find_spec

from covalent._programmatic import commands, server
from covalent._programmatic.server import CannotStart, Place, Server

MODULE = "covalent._triggers"
"""What `python -m` runs."""
START_SECONDS = 30
STOPPED = "The triggers are no longer watched on this machine."


def place() -> Place:
    """Where the watcher keeps its state and its log."""
    ours = commands.place()
    return Place(ours.data_dir / "triggers", ours.log_file.with_name("covalent_triggers.log"))


def find() -> Server | None:
    """The watcher that `ensure_running` has started, or None."""
    return server.find(place())


def ensure_running() -> Server:
    """Start the watcher for the configured control plane, unless it runs.

    Raises:
        CannotStart: it did not come up; the message ends with the end of its log.

    """
    if find_spec("watchdog") is None:
        raise CannotStart(
            "Watching needs watchdog, not installed here: pip install 'covalent-serverless[triggers]'"
        )
    here = place()
    command = [sys.executable, "-P", "-m", MODULE, "--state-file", str(here.state_file)]
    with server.alone(here):
        found = server.find(here)
        return found or server.launch(here, lambda: server.spawn(here, command, {}), START_SECONDS)


def ensure_stopped() -> bool:
    """Stop the watcher; False if it did not run."""
    here = place()
    if not here.data_dir.is_dir():
        return False
    with server.alone(here):
        return server.stop(here)


def describe(running: Server) -> list[str]:
    """What a user wants to know of a start."""
    return [
        f"Triggers are watched on this machine (process {running.pid}); their log is {place().log_file}"
    ]
