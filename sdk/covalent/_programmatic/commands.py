"""Start and stop the local server from a script or a notebook: what the `covalent` command does, as functions."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from covalent._programmatic import dask_cluster, server
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
    cluster: str = ""
    """What to say of the Dask cluster."""

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

    A Dask cluster for `DaskExecutor` starts beside it, in the background, where `distributed` is installed.
    Those without effect are accepted so that existing scripts run unchanged.

    Args:
        develop: log more.
        port: where to listen; the next free port is taken if this one is in use.
        mem_per_worker: memory that an electron may take, as "1GB", 0 for no limit; by default `dask.mem_per_worker`.
        workers: electrons that run at the same time, and workers of the Dask cluster; by default `dask.num_workers`.
        threads_per_worker: threads of numerical libraries in an electron; by default `dask.threads_per_worker`.
        ignore_migrations: no effect, migrations are never pending.
        no_cluster: start no Dask cluster.
        no_triggers: start the server without triggers: none fires.
        quiet: print nothing.

    Raises:
        CannotStart: the server did not come up; the message ends with the end of its log.
        ValueError: `mem_per_worker` is no size.

    """
    del ignore_migrations
    started = ensure_running(
        port=port,
        workers=workers,
        limits=chosen(mem_per_worker, threads_per_worker),
        develop=develop,
        triggers=not no_triggers,
        cluster=not no_cluster,
    )
    if not quiet:
        for line in describe(started):
            print(line)  # noqa: T201  # what a user of the function wants to see


def covalent_stop(*, quiet: bool = False) -> None:
    """Stop the local server and its Dask cluster. Nothing happens if they do not run."""
    stopped = ensure_stopped()
    if not quiet:
        print(STOPPED if stopped else NOT_RUNNING)  # noqa: T201  # as above


def ensure_stopped() -> bool:
    """Stop the server and its Dask cluster; False if there was no server."""
    here = place()
    stopped = server.ensure_stopped(here)
    dask_cluster.stop(here)
    return stopped


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
    cluster: bool = True,
) -> Started:
    """Start the server unless it runs; write where it is and how to talk to it into the config file.

    Once it runs a Dask cluster starts beside it, in the background, if one is wanted.

    Raises:
        CannotStart: see `covalent_start`.

    """
    here = place()
    asked = port or _configured_port()
    limits = limits or chosen(None, None)
    workers = workers or default_workers()
    options = [
        *limits.options(),
        *("--log-level", _log_level(develop)),
        *([] if triggers else [server.NO_TRIGGERS]),
    ]
    try:
        with server.alone(here):
            started = _found_or_started(here, asked, workers, options)
            if started.already or not cluster or not dask_cluster.is_wanted():
                return started
            return replace(started, cluster=_with_cluster(here, workers, limits))
    except OSError as exc:
        raise CannotStart(f"The server cannot be started: {exc}") from exc


def _with_cluster(here: Place, workers: int, limits: Limits) -> str:
    """Start the Dask cluster; what there is to say of it."""
    if not dask_cluster.is_installed():
        return dask_cluster.MISSING
    dask_cluster.launch(here, workers, limits)
    return f"A Dask cluster of {workers} workers is starting: covalent cluster --status"


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
    lines = [taken] if started.moved else []
    lines.append(f"Covalent server has started at {url}")
    return [*lines, started.cluster] if started.cluster else lines


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
