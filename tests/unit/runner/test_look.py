"""How an electron stands whose array of jobs has failed."""

import pytest

from covalent_contracts.envelope import Look, look_payload, parse
from covalent_runner.errors import ElectronFailed, Unsettled, UpstreamFailed
from covalent_runner.lambda_handler import handle

from .conftest import DISPATCH_ID, Dispatch

RUNNING = {"status": {"S": "RUNNING"}, "started": {"N": "5"}, "attempt": {"N": "0"}}


def look(dispatch: Dispatch, node: int) -> None:
    dispatch.publish()
    handle(dispatch.store, Look(DISPATCH_ID, node), lambda: 60)


def test_one_that_is_completed_is_fine(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.complete(0, 1)
    look(dispatch, 0)


def test_one_that_has_failed(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.set_record(0, status={"S": "FAILED"}, error={"S": "why"})
    with pytest.raises(ElectronFailed):
        look(dispatch, 0)


def test_one_that_was_cancelled(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.set_record(0, status={"S": "CANCELLED"})
    with pytest.raises(UpstreamFailed):
        look(dispatch, 0)


def test_one_that_never_began(dispatch: Dispatch) -> None:
    dispatch.add(0)
    with pytest.raises(Unsettled):
        look(dispatch, 0)
    assert dispatch.item(0) == {}, "it writes nothing"


def test_one_whose_process_is_gone(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.set_record(0, **RUNNING)
    with pytest.raises(Unsettled):
        look(dispatch, 0)
    assert dispatch.item(0)["status"] == "RUNNING"


def test_one_that_cannot_begin_is_blameless(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.add(1, inputs=(0,), args=(0,))
    with pytest.raises(UpstreamFailed):
        look(dispatch, 1)
    dispatch.complete(0, 1)
    with pytest.raises(Unsettled):
        look(dispatch, 1)


def test_the_event_as_step_functions_sends_it() -> None:
    assert look_payload("$.row[0]") == {
        "do": "look",
        "dispatch_id.$": "$.dispatch_id",
        "node.$": "$.row[0]",
    }
    assert parse({"do": "look", "dispatch_id": DISPATCH_ID, "node": 3}) == Look(DISPATCH_ID, 3)
