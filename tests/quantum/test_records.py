"""What is kept of circuits, whatever becomes of them and whatever they are called with."""

import math
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pennylane as qml
import pytest
from pydantic import Field

import covalent as ct
from covalent._quantum import records
from covalent._quantum.executors.base import BaseQExecutor
from covalent._quantum.records import CircuitRecord
from covalent._shared_files.logger import app_log
from covalent_contracts import attachments, pickling
from covalent_contracts.attachments import Attachments

pytestmark = pytest.mark.quantum


class Fragile(ct.executor.Simulator):
    """Fails on large angles."""

    parallel: bool | str = False

    def run_circuit(self, qscript: Any, *more: Any) -> CircuitRecord:
        if qscript.get_parameters(trainable_only=False)[0] > 1:
            raise RuntimeError("too large an angle")
        return super().run_circuit(qscript, *more)


class Plain(BaseQExecutor):
    """As users may write them: its futures have results, and nothing else."""

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Any]:
        future: Future[Any] = Future()
        future.set_result(0.25)
        return [future for _ in qscripts_list]


def circuit(executor: BaseQExecutor) -> Any:
    @ct.qelectron(executors=executor)
    @qml.qnode(qml.device("default.qubit", wires=["a"]))
    def turned(angle: float) -> Any:
        qml.RX(angle, wires="a")
        return qml.expval(qml.PauliZ("a"))

    return turned


def left(collector: attachments.Collector) -> list[dict[str, Any]]:
    found = Attachments.load(collector.dump()).found.get(attachments.QELECTRONS, ())
    return [pickling.unpickled(each) for each in found]


def test_a_circuit_that_fails_is_kept_with_its_error_and_with_those_beside_it() -> None:
    batch = circuit(Fragile())
    with (
        attachments.collected() as here,
        pytest.raises(RuntimeError, match="too large an angle"),
    ):
        qml.grad(batch)(qml.numpy.array(0.5, requires_grad=True))
    by_angle = {round(each["parameters"][0], 2): each for each in left(here)}
    assert by_angle[round(0.5 - math.pi / 2, 2)]["error"] is None
    assert by_angle[round(0.5 + math.pi / 2, 2)]["error"] == "RuntimeError: too large an angle"
    assert by_angle[round(0.5 + math.pi / 2, 2)]["result"] is None


@pytest.mark.parametrize("interface", ["autograd", "torch", "jax"])
def test_records_are_numbers_of_numpy_whatever_the_interface(interface: str) -> None:
    with attachments.collected() as here:
        circuit(ct.executor.Simulator())(qml.math.asarray(0.5, like=interface))
    (found,) = left(here)
    assert type(found["parameters"][0]).__module__ in ("builtins", "numpy")
    assert found["result"] == pytest.approx(math.cos(0.5))
    assert found["circuit"].startswith("a: ──RX(0.5000)─")


def test_an_executor_that_keeps_no_times_has_a_record_too() -> None:
    with records.collecting() as kept:
        assert float(circuit(Plain())(0.5)) == 0.25
    (found,) = kept
    assert (found.executor, found.result, found.started) == ("Plain", 0.25, None)
    assert np.allclose(found.parameters, [0.5])


def test_without_a_collector_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qml.drawer, "tape_text", lambda *_, **__: pytest.fail("it was drawn"))
    assert float(circuit(ct.executor.Simulator())(0.5)) == pytest.approx(math.cos(0.5))


def test_a_circuit_that_fails_has_shots_and_times() -> None:
    failing = circuit(Fragile(shots=7))
    begun = datetime.now(UTC)
    with records.collecting() as kept, pytest.raises(RuntimeError, match="too large"):
        failing(2.0)
    (found,) = kept
    assert found.error == "RuntimeError: too large an angle"
    assert found.shots == 7
    assert found.started is not None
    assert found.ended is not None
    assert begun <= found.started < found.ended <= datetime.now(UTC)


class Waiting(Fragile):
    """Runs a small angle until the test is over; a large one fails once another runs."""

    parallel: bool | str = "thread"
    workers: int = 2
    runs: threading.Event = Field(default_factory=threading.Event)
    over: threading.Event = Field(default_factory=threading.Event)

    def run_circuit(self, qscript: Any, *more: Any) -> CircuitRecord:
        if qscript.get_parameters(trainable_only=False)[0] > 1:
            assert self.runs.wait(60)
        else:
            self.runs.set()
            assert self.over.wait(60)
        return super().run_circuit(qscript, *more)


def script(angle: float) -> Any:
    return qml.tape.QuantumScript([qml.RX(angle, "a")], [qml.expval(qml.PauliZ("a"))])


def test_a_circuit_that_runs_when_another_fails_is_kept_as_given_up() -> None:
    executor = Waiting()
    made = circuit(executor)
    with records.collecting() as kept, pytest.raises(RuntimeError, match="too large an angle"):
        made.device.execute([script(0.5), script(2.0)])
    executor.over.set()
    given_up, failed = kept
    assert given_up.error == "CancelledError: it was given up while it ran"
    assert given_up.result is None
    assert given_up.started is not None
    assert failed.error == "RuntimeError: too large an angle"


def test_the_time_of_a_failed_circuit_begins_when_it_runs() -> None:
    made = circuit(Fragile(parallel="thread", workers=1))
    with records.collecting() as kept, pytest.raises(RuntimeError, match="too large an angle"):
        made.device.execute([script(0.5), script(2.0)])
    first, failed = kept
    assert first.ended is not None
    assert failed.started is not None
    assert first.ended <= failed.started


class Unlabelled(qml.RX):
    """Cannot be drawn."""

    def label(self, *_: Any, **__: Any) -> str:
        raise ZeroDivisionError("no label")


@pytest.mark.parametrize("angle", [0.5, 2.0])
def test_a_circuit_that_cannot_be_drawn_is_kept_without_a_drawing(angle: float) -> None:
    @ct.qelectron(executors=Fragile())
    @qml.qnode(qml.device("default.qubit", wires=1))
    def turned(at: float) -> Any:
        Unlabelled(at, wires=0)
        return qml.expval(qml.PauliZ(0))

    with records.collecting() as kept:
        if angle < 1:
            assert float(turned(angle)) == pytest.approx(math.cos(angle))
        else:
            with pytest.raises(RuntimeError, match="too large an angle"):
                turned(angle)
    (found,) = kept
    assert found.circuit == "[no drawing: ZeroDivisionError: no label]"
    assert found.parameters == [angle]


@pytest.mark.parametrize("angle", [0.5, 2.0])
def test_a_record_that_cannot_be_made_is_logged(
    angle: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: Any) -> None:
        raise ZeroDivisionError("no record")

    monkeypatch.setattr(records, "keep", refuse)
    monkeypatch.setattr(app_log, "propagate", True)
    with records.collecting():
        if angle < 1:
            assert float(circuit(Fragile())(angle)) == pytest.approx(math.cos(angle))
        else:
            with pytest.raises(RuntimeError, match="too large an angle"):
                circuit(Fragile())(angle)
    assert "leaves no record" in caplog.text
