"""State machines come and go: one that a sweep deleted is made again by the next dispatch."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.running import Server

import covalent as ct
from covalent_contracts.ids import is_dispatch_id
from covalent_control_plane.aws import Aws, connect
from covalent_control_plane.settings import Settings
from covalent_control_plane.sweep import UNUSED, sweep
from covalent_localstack import environment


@ct.electron
def once(value: int) -> int:
    return value


@ct.electron
def held(value: int) -> int:
    import threading

    threading.Event().wait()
    return value


@ct.lattice
def finished(value: int) -> Any:
    return once(value)


@ct.lattice
def running(value: int) -> Any:
    return held(once(value))


@pytest.fixture
def aws(own_server: Server) -> Iterator[Aws]:
    """The control plane's clients, in this process."""
    address = f"http://127.0.0.1:{own_server.port}"
    with environment.applied(environment.variables(address, own_server.token)):
        yield connect(Settings.read(os.environ))


def test_a_sweep_deletes_what_nobody_uses(own_server: Server, aws: Aws) -> None:
    """Of two machines unused for a month, the one whose execution still runs stays."""

    def month_later() -> list[str]:
        return sweep(aws, time.time() + UNUSED + 60, lambda: 1e6, lambda _: None).deleted

    assert ct.get_result(ct.dispatch(finished)(1), wait=True).result == 1
    still = ct.dispatch(running)(1)
    while ct.get_result(still).get_node_result(0)["status"] != "COMPLETED":
        pass  # each look is a request; there is nothing to sleep for
    assert sweep(aws, time.time(), lambda: 1e6, lambda _: None).deleted == []
    (deleted,) = month_later()
    (left,) = own_server.client("stepfunctions").list_state_machines()["stateMachines"]
    assert left["name"] != deleted
    (execution,) = own_server.client("stepfunctions").list_executions(
        stateMachineArn=left["stateMachineArn"]
    )["executions"]
    assert is_dispatch_id(execution["name"])
    assert execution["status"] == "RUNNING"
    assert ct.get_result(ct.dispatch(finished)(2), wait=True).result == 2
    assert month_later() == [deleted]
