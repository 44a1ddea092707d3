"""`covalent status`."""

import http.client
import json
import time
from datetime import timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

from covalent._programmatic import commands, dask_cluster, localstack, server, watching
from covalent._programmatic.limits import Limits
from covalent._programmatic.server import Server
from covalent._shared_files.config import get_config

_SECONDS = 5
_PAGES = 10
"""Pages of dispatches to look through for running ones."""


@click.command()
def status() -> None:
    """Show whether the Covalent server runs, where, and what it does."""
    running = server.find(commands.place())
    table = Table("Component", Column("Status", overflow="fold"))
    rows = [("Covalent server", "Stopped")] if running is None else _rows(running)
    beside = localstack.find()
    watcher = watching.find()
    rows += [("Triggers", f"Watched by process {watcher.pid}")] if watcher else []
    for row in [*rows, *(_localstack_rows(beside) if beside else ())]:
        table.add_row(*row)
    Console().print(table)


def _rows(running: Server) -> list[tuple[str, str]]:
    uptime = timedelta(seconds=max(0, round(time.time() - running.started)))
    return [
        ("Covalent server", f"Running at {running.url}"),
        ("Process", str(running.pid)),
        ("Uptime", str(uptime)),
        ("Workers", f"{running.workers}{_limits(running.limits)}"),
        ("Triggers", "On" if running.triggers else "Off"),
        ("Dask cluster", _cluster()),
        ("Running dispatches", _running_dispatches(running)),
    ]


def _cluster() -> str:
    found = dask_cluster.find(commands.place())
    if found is None:
        return "None"
    return f"Running at {found.address}" if found.address else "Starting"


def _limits(limits: Limits) -> str:
    memory = [f"{limits.memory / 2**30:.3g} GB each"] if limits.memory else []
    threads = [f"{limits.threads} threads each"] if limits.threads else []
    return "".join(f", {each}" for each in [*memory, *threads])


def _localstack_rows(running: Server) -> list[tuple[str, str]]:
    return [
        ("LocalStack", f"Running at {running.url}"),
        ("LocalStack services", localstack.health(running)),
    ]


def _running_dispatches(running: Server) -> str:
    """How many dispatches run, as far as the server tells."""
    found = 0
    cursor = ""
    try:
        for _ in range(_PAGES):
            page = _get(running, f"/api/v1/dispatches?limit=100{cursor}")
            found += sum(each["status"] == "RUNNING" for each in page["dispatches"])
            if not page.get("cursor"):
                return str(found)
            cursor = f"&cursor={page['cursor']}"
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as exc:
        return f"unknown ({exc})"
    return f"{found} of the newest {_PAGES * 100}"


def _get(running: Server, path: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(running.address, running.port, timeout=_SECONDS)
    try:
        token = get_config("dispatcher.token")
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise ValueError(f"the server answered {answer.status} {answer.reason}")
        return dict(json.loads(answer.read()))
    finally:
        connection.close()
