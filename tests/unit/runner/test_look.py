"""Which electrons have no result whose array of jobs has failed."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from covalent_contracts import ranges
from covalent_contracts.envelope import Look, look_payload, parse
from covalent_runner import look
from covalent_runner.lambda_handler import handle
from covalent_step_functions.quotas import PAYLOAD

from .conftest import DISPATCH_ID, Dispatch

RUNNING = {"status": {"S": "RUNNING"}, "started": {"N": "5"}, "attempt": {"N": "0"}}
CAUSE = json.dumps({"JobId": "an-array", "JobQueue": "q", "Container": {"Command": ["x"] * 99}})


def found(dispatch: Dispatch, *nodes: int, cause: str = CAUSE) -> Sequence[int] | None:
    dispatch.publish()
    return handle(dispatch.store, Look(DISPATCH_ID, nodes, cause), lambda: 60)


def test_those_without_a_result(dispatch: Dispatch) -> None:
    for node in range(6):
        dispatch.add(node)
    dispatch.complete(0, 1)
    dispatch.set_record(1, status={"S": "FAILED"}, error={"S": "why"})
    dispatch.set_record(2, status={"S": "CANCELLED"})
    dispatch.set_record(3, **RUNNING)
    assert found(dispatch, *range(6)) == [3, 4, 5]
    assert dispatch.item(5) == {}, "it writes nothing"
    assert dispatch.item(3)["status"] == "RUNNING"


def test_what_could_not_begin_is_not_among_them(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.add(1, inputs=(0,), args=(0,))
    assert found(dispatch, 1) == []
    dispatch.complete(0, 1)
    assert found(dispatch, 1) == [1]


@pytest.mark.parametrize(
    ("failures", "error", "is_tried_again"),
    [(0, "", True), (1, "", True), (2, "", False), (1, "no", True), (2, "no", True)],
)
def test_what_was_tried_often_enough_is_not_tried_again(
    dispatch: Dispatch, failures: int, error: str, is_tried_again: bool
) -> None:
    """Its last try counts as well, if it left no error: its process was killed."""
    dispatch.add(0, retries=2)
    more = {"error": {"S": error}} if error else {}
    dispatch.set_record(0, **RUNNING, failures={"N": str(failures)}, **more)
    assert found(dispatch, 0, cause="") == ([0] if is_tried_again else [])
    assert found(dispatch, 0) == [0], "but it may be asked what became of its job"


def test_what_never_began_is_tried_again(dispatch: Dispatch) -> None:
    dispatch.add(0, retries=1)
    assert found(dispatch, 0, cause="") == [0]


def test_an_array_is_read_with_few_requests(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of its records, and one for all that its electrons need."""
    for node in range(3):
        dispatch.add(node, inputs=(5 + node,), args=(5 + node,))
        dispatch.complete(5 + node, 1)
    asked: list[Any] = []
    read = dispatch.store.records

    def counted(*args: Any) -> Any:
        asked.append(args)
        return read(*args)

    monkeypatch.setattr(dispatch.store, "records", counted)
    assert found(dispatch, 0, 1, 2) == [0, 1, 2]
    assert len(asked) == 2


def test_what_the_state_machine_is_told() -> None:
    event = Look(DISPATCH_ID, (2, 4, 6, 9), CAUSE)
    assert look.answer(event, [9, 4]) == {"rows": [[4, 1], [9, 3]], "job": "an-array"}
    assert look.answer(Look(DISPATCH_ID, (2, 4)), [2]) == {"rows": [[2, 0]]}


def test_nobody_can_say_that_others_are_open() -> None:
    """Electrons share the process that looks."""
    assert look.answer(Look(DISPATCH_ID, (2, 4)), [3, 4]) == {"rows": [[4, 1]]}


@pytest.mark.parametrize("cause", ["Rate exceeded", "{}", '{"JobId": "cut o'])
def test_a_cause_that_tells_of_no_array(cause: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it says
        look.answer(Look(DISPATCH_ID, (0,), cause), [0])


def test_the_answer_fits_whatever_has_failed() -> None:
    nodes = tuple(range(9_000_000, 9_010_000))
    assert len(json.dumps(look.answer(Look(DISPATCH_ID, nodes, CAUSE), nodes))) < PAYLOAD.number


def test_the_event_as_step_functions_sends_it() -> None:
    text = ranges.written([3, 5, 7])
    payload = look_payload(text, with_cause=True)
    assert payload == {
        "do": "look",
        "dispatch_id.$": "$.dispatch_id",
        "nodes": text,
        "cause.$": "$.error.Cause",
    }
    event = {"do": "look", "dispatch_id": DISPATCH_ID, "nodes": text}
    assert parse(event) == Look(DISPATCH_ID, (3, 5, 7))
    assert parse({**event, "cause": "why"}) == Look(DISPATCH_ID, (3, 5, 7), "why")
    assert "cause.$" not in look_payload(text, with_cause=False)
