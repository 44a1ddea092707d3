import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts import envelope
from covalent_contracts.envelope import Envelope, Lost, Report, Run, Wait, parse

DISPATCH = "12345678-1234-1234-1234-123456789abc"


def entered(payload: dict[str, Any], **context: Any) -> dict[str, Any]:
    """A payload template as Step Functions fills it: `name.$` becomes `name` with the value at the path."""
    values = {"$.dispatch_id": DISPATCH, **context}
    return {
        key.removesuffix(".$"): values[value] if key.endswith(".$") else value
        for key, value in payload.items()
    }


def test_run() -> None:
    event = entered(envelope.run_payload(7), **{"$$.State.RetryCount": 2})
    assert parse(event) == Run(DISPATCH, 7, 2)


def test_wait() -> None:
    event = entered(envelope.wait_payload(7, 3), **{"$$.Task.Token": "t0k3n"})
    assert parse(event) == Wait(DISPATCH, 7, 3, "t0k3n")


def test_report() -> None:
    error = {"Error": "States.Timeout", "Cause": "too slow"}
    event = entered(envelope.report_payload((1, 2)), **{"$.error": error})
    assert parse(event) == Report(DISPATCH, (1, 2), "States.Timeout", "too slow")


def test_a_report_without_a_cause() -> None:
    event = entered(envelope.report_payload((1,)), **{"$.error": {}})
    assert parse(event) == Report(DISPATCH, (1,), "", "")


GOOD = {"do": "run", "dispatch_id": DISPATCH, "node": 1, "attempt": 0}


@pytest.mark.parametrize("field", GOOD)
def test_a_missing_field_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="malformed"):
        parse({key: value for key, value in GOOD.items() if key != field})


@pytest.mark.parametrize(
    "change",
    [
        {"do": "dance"},
        {"do": None},
        {"dispatch_id": "../../etc"},
        {"dispatch_id": DISPATCH.upper()},
        {"dispatch_id": None},
        {"dispatch_id": 7},
        {"node": "seven"},
        {"node": None},
        {"do": "report", "nodes": 5, "error": {}},
        {"do": "report", "nodes": [1], "error": "text"},
    ],
)
def test_a_malformed_event_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"malformed|cannot|not a dispatch id|invalid literal"):
        parse({**GOOD, **change})


words = st.sampled_from(["", "7", "-1", "text", "Error", "Cause", "é"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
anything = (
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(words, st.lists(scalars), max_size=2)
)


@given(
    st.sampled_from(["run", "wait", "look", "report", "lost"]),
    st.dictionaries(
        st.sampled_from(["node", "attempt", "needs", "token", "nodes", "error"]), anything
    ),
)
def test_any_json_is_read_or_refused(do: str, fields: dict[str, Any]) -> None:
    with suppress(ValueError):
        assert isinstance(parse({"do": do, "dispatch_id": DISPATCH, **fields}), Envelope)


@given(st.integers(0, 10**6), st.integers(0, 99))
def test_payloads_are_json(node: int, needs: int) -> None:
    for payload in (
        envelope.run_payload(node),
        envelope.wait_payload(node, needs),
        envelope.report_payload((node,)),
        envelope.run_payload("$.row[0]"),
        envelope.report_payload("$.row"),
        envelope.lost_payload("$.rows"),
        envelope.lost_payload([node, node + 1]),
        envelope.lost_payload(f"{node}:{node + 9}:2"),
        envelope.look_payload(f"{node}:{node + 9}:2", with_cause=True),
    ):
        assert json.loads(json.dumps(payload)) == payload


def test_rows_of_nodes_are_read_as_one_line() -> None:
    error = {"Error": "Lost", "Cause": "c"}
    event = {"do": "lost", "dispatch_id": DISPATCH, "nodes": [[3], [4, 5]], "error": error}
    assert parse(event) == Lost(DISPATCH, (3, 4, 5), "Lost", "c")


def test_nodes_are_written_in_few_characters() -> None:
    payload = envelope.lost_payload("3:9:2,20:21:1")
    assert payload["nodes"] == "3:9:2,20:21:1"
    event = entered(payload, **{"$.error": {"Error": "Lost", "Cause": "c"}})
    assert parse(event) == Lost(DISPATCH, (3, 5, 7, 20), "Lost", "c")
