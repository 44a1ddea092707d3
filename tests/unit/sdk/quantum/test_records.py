"""What is kept of a circuit is small, and needs nothing of PennyLane to be read."""

import pickle
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np

from covalent._quantum import records
from covalent._quantum.records import CircuitRecord
from covalent_contracts import attachments, pickling
from covalent_contracts.attachments import Attachments

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def kept(**fields: Any) -> dict[str, Any]:
    with attachments.collected() as here:
        records.keep(CircuitRecord("Simulator", **fields))
    (data,) = Attachments.load(here.dump()).found[attachments.QELECTRONS]
    found: dict[str, Any] = pickling.unpickled(data)
    return found


def test_a_record_is_a_dictionary_of_plain_values() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=2)))
    found = kept(circuit="0: -RX-", parameters=[0.5], shots=10, started=east, ended=NOON, result=1)
    assert found == {
        "executor": "Simulator",
        "circuit": "0: -RX-",
        "parameters": [0.5],
        "shots": 10,
        "start_time": datetime(2026, 1, 2, 12),
        "end_time": datetime(2026, 1, 2, 12),
        "result": 1,
        "error": None,
    }


def test_arrays_are_kept_up_to_a_size() -> None:
    small, large = np.eye(4), np.zeros((1000, 1000), complex)
    found = kept(parameters=[small, large], result=[b"x" * 100_000])
    assert (found["parameters"][0] == small).all()
    summary = {"left_out": "ndarray", "shape": "(1000, 1000)", "dtype": "complex128"}
    assert found["parameters"][1] == summary | {"bytes": 16_000_000}
    assert {**found["result"], "bytes": 0} == {"left_out": "list", "length": 1, "bytes": 0}
    assert len(pickle.dumps(found)) < 10_000


def test_what_cannot_be_pickled_does_not_fail_the_circuit() -> None:
    found = kept(result=threading.Lock(), circuit="x" * 100_000, error="y" * 100_000)
    assert found["result"]["left_out"] == "lock"
    assert "cannot be pickled" in found["result"]["why"]
    assert len(found["circuit"]) < 20_000
    assert "characters left out" in found["error"]


def test_records_are_made_only_where_somebody_wants_them() -> None:
    assert not records.is_collecting()
    records.keep(CircuitRecord("Simulator"))
    with attachments.collected():
        assert records.is_collecting()
    with records.collecting() as found:
        assert records.is_collecting()
        records.keep(CircuitRecord("Simulator"))
    assert [each.executor for each in found] == ["Simulator"]


def test_nothing_is_collected_afterwards() -> None:
    with records.collecting() as outer:
        with records.collecting() as inner:
            records.keep(CircuitRecord("inner"))
        records.keep(CircuitRecord("outer"))
    records.keep(CircuitRecord("nobody's"))
    assert [[each.executor for each in found] for found in (inner, outer)] == [["inner"], ["outer"]]
    assert not records.is_collecting()


def test_a_value_as_large_as_the_limit_is_kept_whole() -> None:
    whole, summarised = (np.zeros(records.LARGEST // 8 + more) for more in (0, 1))
    found = kept(parameters=[whole, summarised])["parameters"]
    assert len(found[0]) == records.LARGEST // 8
    assert found[1]["bytes"] == records.LARGEST + 8
