"""Start and stop the local server from a script or a notebook: what the `covalent` command does, as functions."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from covalent._programmatic import server
from covalent._programmatic.limits import Limits, chosen
from covalent._programmatic.server import CannotStart, Place, Server
from covalent._shared_files.config import get_config, set_config
from covalent._shared_files.exceptions import InvalidConfig

DEFAULT_PORT = 48008
LOG_NAME = "covalent_server.log"
_LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True)
class Started:
    """What `ensure_running` found or made."""

    server: Server
    already: bool
    asked_port: int

    @property
    def moved(self) -> bool:
        """Whether the port that was asked for was taken."""
        return not self.already and self.server.port != self.asked_port


def covalent_start(  # noqa: PLR0913  # the signature is Covalent's
    develop: bool = False,
    port: int | None = None,
    mem_per_worker: str | None = None,
    workers: int | None = None,
    threads_per_worker: int | None = None,
    ignore_migrations: bool = False,
    no_cluster: bool = False,
    no_triggers: bool = False,
    *,
    quiet: bool = False,
) -> None:
    """Start the local server unless it runs already, and wait until it is ready.

    Those without effect are accepted so that existing scripts run unchanged.

    Args:
        develop: log more.
        port: where to listen; the next free port is taken if this one is in use.
        mem_per_worker: memory that an electron may take, as "1GB", 0 for no limit; by default `dask.mem_per_worker`.
        workers: electrons that run at the same time; by default `dask.num_workers`.
        threads_per_worker: threads of numerical libraries in an electron; by default `dask.threads_per_worker`.
        ignore_migrations: no effect, migrations are never pending.
        no_cluster: no effect, there is no Dask cluster.
        no_triggers: start the server without triggers: none fires.
        quiet: print nothing.

    Raises:
        CannotStart: the server did not come up; the message ends with the end of its log.
        ValueError: `mem_per_worker` is no size.

    """
    del ignore_migrations, no_cluster
    limits = chosen(mem_per_worker, threads_per_worker)
    started = ensure_running(
        port=port, workers=workers, limits=limits, develop=develop, triggers=not no_triggers
    )
    if not quiet:
        for line in describe(started):
            print(line)  # noqa: T201  # what a user of the function wants to see


def covalent_stop(*, quiet: bool = False) -> None:
    """Stop the local server. Nothing happens if it does not run."""
    stopped = server.ensure_stopped(place())
    if not quiet:
        print(STOPPED if stopped else NOT_RUNNING)  # noqa: T201  # as above


def is_covalent_running() -> bool:
    """Whether the local server runs."""
    return server.find(place()) is not None


STOPPED = "Covalent server has stopped."
NOT_RUNNING = "Covalent server was not running."


def place() -> Place:
    """Where the configured server keeps its data and log."""
    data_dir = Path(str(get_config("workflow_data.base_dir"))).expanduser().absolute()
    log_dir = Path(str(get_config("sdk.log_dir"))).expanduser().absolute()
    return Place(data_dir=data_dir, log_file=log_dir / LOG_NAME)


def ensure_running(
    *,
    port: int | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
    develop: bool = False,
    triggers: bool = True,
) -> Started:
    """Start the server unless it runs; write where it is and how to talk to it into the config file.

    Raises:
        CannotStart: see `covalent_start`.

    """
    here = place()
    asked = port or _configured_port()
    options = [
        *(limits or chosen(None, None)).options(),
        *("--log-level", _log_level(develop)),
        *([] if triggers else [server.NO_TRIGGERS]),
    ]
    try:
        with server.alone(here):
            return _found_or_started(here, asked, workers or default_workers(), options)
    except OSError as exc:
        raise CannotStart(f"The server cannot be started: {exc}") from exc


def _found_or_started(here: Place, asked: int, workers: int, options: Sequence[str]) -> Started:
    running = server.find(here)
    if running is not None:
        _publish(running, here.token())
        return Started(running, already=True, asked_port=asked)
    _check_extra()
    token = secrets.token_urlsafe(32)
    running = server.start(here, port=asked, workers=workers, token=token, options=options)
    try:
        _publish(running, token)
    except BaseException:  # nobody could talk to it
        server.stop(here)
        raise
    return Started(running, already=False, asked_port=asked)


def _publish(running: Server, token: str | None) -> None:
    """Have the config file say how to reach the server; it may have been started with another one."""
    wanted = {
        "dispatcher.address": running.address,
        "dispatcher.port": running.port,
        "dispatcher.token": token,
    }
    known = get_config("dispatcher")
    if token and any(known.get(key.partition(".")[2]) != value for key, value in wanted.items()):
        set_config(wanted)


def default_workers() -> int:
    """Electrons that run at the same time, if nobody says how many.

    Raises:
        InvalidConfig: the configuration has no number there.

    """
    try:
        return max(1, int(get_config("dask.num_workers")))
    except (TypeError, ValueError) as exc:
        raise InvalidConfig(f"dask.num_workers in {get_config('sdk.config_file')}: {exc}") from exc


def _log_level(develop: bool) -> str:
    """What the server logs: from `sdk.log_level` on, all there is in developer mode."""
    level = str(get_config("sdk.log_level")).lower()
    if level not in _LEVELS:
        raise InvalidConfig(
            f"sdk.log_level in {get_config('sdk.config_file')} is {level!r}, not one of {', '.join(_LEVELS)}"
        )
    return "debug" if develop else level


def describe(started: Started) -> list[str]:
    """What a user wants to know of a start."""
    url = started.server.url
    if started.already:
        return [f"Covalent server is already running at {url}"]
    taken = f"Port {started.asked_port} is in use, using {started.server.port} instead."
    return [*([taken] if started.moved else []), f"Covalent server has started at {url}"]


def _configured_port() -> int:
    try:
        return int(str(get_config("dispatcher.port")))
    except (KeyError, ValueError):
        return DEFAULT_PORT


def _check_extra() -> None:
    missing = [name for name in ("moto", "chalice", "pynamodb") if find_spec(name) is None]
    if missing:
        raise CannotStart(
            f"The local server needs {', '.join(missing)}, not installed here: "
            "pip install 'covalent-serverless[local]'"
        )
