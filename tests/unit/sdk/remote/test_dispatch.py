from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from covalent._dispatch.parallel import in_parallel
from covalent._dispatch.submit import send
from covalent._dispatcher_plugins.local import dispatch, dispatch_sync
from covalent_contracts import errors
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from tests.unit.sdk.remote.conftest import ControlPlane

    from covalent._dispatch.client import Client
    from covalent._dispatch.packaging import Package


def test_manifest_then_objects_then_start(
    client: Client, plane: ControlPlane, package: Package
) -> None:
    dispatch_id = send(client, package)
    assert dispatch_id == package.manifest.dispatch_id
    puts = sorted(f"PUT /{digest}" for digest in package.objects)
    assert plane.log[0] == "POST /dispatches"
    assert sorted(plane.log[1:3]) == puts
    assert plane.log[3:] == [f"POST /dispatches/{dispatch_id}/start"]
    assert plane.objects == dict(package.objects)
    assert plane.summaries[dispatch_id].status is Status.RUNNING


def test_what_is_stored_already_is_not_sent(
    client: Client, plane: ControlPlane, package: Package
) -> None:
    plane.objects.update(package.objects)
    send(client, package)
    assert not [line for line in plane.log if line.startswith("PUT")]


def test_disable_run_registers_only(client: Client, plane: ControlPlane, package: Package) -> None:
    dispatch_id = send(client, package, run=False)
    assert plane.summaries[dispatch_id].status is Status.NEW_OBJECT


def test_a_lost_response_is_asked_for_again(
    client: Client, plane: ControlPlane, package: Package
) -> None:
    plane.faults = [httpx.ReadError("reset"), None, httpx.Response(500), None, None]
    send(client, package)
    assert plane.log.count("POST /dispatches") == 2
    assert plane.summaries


@pytest.mark.parametrize("faults", [1, 2])
def test_a_start_whose_answer_was_lost_is_a_start(
    client: Client, plane: ControlPlane, package: Package, faults: int
) -> None:
    plane.lost_starts = faults
    assert send(client, package) in plane.summaries


def test_objects_that_did_not_arrive_are_sent_once_more(
    client: Client, plane: ControlPlane, package: Package
) -> None:
    lost = httpx.Response(200)
    plane.faults = [None, lost, lost]
    send(client, package)
    assert plane.summaries
    assert sum(line.startswith("PUT") for line in plane.log) == 4


def test_objects_that_never_arrive_end_in_a_conflict_and_nothing_visible(
    client: Client, plane: ControlPlane, package: Package
) -> None:
    lost = httpx.Response(200)
    plane.faults = [None, lost, lost, None, None, None, lost, lost]
    with pytest.raises(errors.Conflict, match="missing"):
        send(client, package)
    assert not plane.summaries


def test_an_expired_address_is_renewed(
    client: Client, plane: ControlPlane, package: Package
) -> None:
    plane.expired = {plane.presigned(key).replace("=1", "=2") for key in list(package.objects)[:1]}
    send(client, package)
    assert plane.summaries
    assert plane.log.count("POST /dispatches") == 2


def test_a_store_that_refuses_is_named(
    client: Client, plane: ControlPlane, package: Package
) -> None:
    plane.faults = [None, httpx.Response(400, text="BadDigest"), httpx.Response(400)]
    with pytest.raises(errors.Unavailable, match="object store"):
        send(client, package)
    assert not plane.summaries


@pytest.mark.parametrize("prepare", [dispatch, dispatch_sync])
@pytest.mark.parametrize("given", [lambda: 1, "a string", None])
def test_only_lattices_can_be_dispatched(prepare: Any, given: Any) -> None:
    with pytest.raises(TypeError, match=r"@ct\.lattice"):
        prepare(given)


def test_the_first_failure_is_raised_and_the_rest_left_out() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 0:
            raise ValueError("no")
        threading.Event().wait(0.01)  # long enough for the failure to be noticed
        return item

    with pytest.raises(ValueError, match="no"):
        list(in_parallel(work, range(1000)))
    assert len(begun) < 1000
    assert dict(in_parallel(lambda item: item * 2, range(20))) == {i: i * 2 for i in range(20)}
