"""How quantum tasks are sent, sent again, batched, and cancelled: with a device of the SDK that plays its part."""

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from covalent._quantum.amazon import tasks
from covalent._quantum.amazon.errors import (
    BraketError,
    QuantumTaskCancelled,
    QuantumTaskFailed,
    QuantumTaskTimeout,
    told,
)
from covalent._quantum.amazon.tasks import Limits, Sender
from covalent._quantum.calls import Call, Cancellation

WAIT = 60
ARN = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"


def refusal(code: str, message: str = "said AWS") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateQuantumTask")


class Task:
    """A task that has ended, or ends with what `result` raises."""

    def __init__(self, number: int, status: str, result: Callable[[], Any]) -> None:
        self.id = f"task {number}"
        self.status = status
        self.result = result

    def metadata(self) -> dict[str, Any]:
        reason = {"failureReason": "the laser is off"} if self.status == "FAILED" else {}
        return {"status": self.status, **reason}


class Device:
    """A device of the SDK whose tasks end as a list says; then they are COMPLETED, with their circuit as the result."""

    arn, name = ARN, "SV1"

    def __init__(self, *ends: str | Exception) -> None:
        self.ends = list(ends)
        self.sent: list[tuple[Any, dict[str, Any]]] = []
        self.cancelled: list[str] = []
        self.aws_session = SimpleNamespace(cancel_quantum_task=self.cancelled.append)

    def run(self, circuit: Any, **settings: Any) -> Task:
        end = self.ends.pop(0) if self.ends else "COMPLETED"
        if isinstance(end, Exception):
            raise end
        self.sent.append((circuit, settings))
        return Task(len(self.sent), end, lambda: circuit if end == "COMPLETED" else None)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are made: none of them takes any time, but the clock goes on."""
    made: list[float] = []
    monkeypatch.setattr(tasks, "time", SimpleNamespace(monotonic=lambda: sum(made)))

    def pause(_: Cancellation, seconds: float) -> None:
        if seconds:
            made.append(seconds)

    monkeypatch.setattr(Cancellation, "pause", pause)
    return made


def sender(device: Any, retries: int = 2, timeout: float = 100, interval: float = 1) -> Sender:
    return Sender(device, Limits(retries, timeout, interval))


class TestAgain:
    @pytest.mark.parametrize("failures", [0, 1, 2])
    def test_a_task_that_failed_is_sent_again(self, failures: int) -> None:
        device = Device(*["FAILED"] * failures)
        assert sender(device).run("circuit", shots=7).status == "COMPLETED"
        assert device.sent == [("circuit", {"shots": 7})] * (failures + 1)

    @pytest.mark.parametrize("retries", [0, 1, 3])
    def test_no_more_often_than_told(self, retries: int) -> None:
        device = Device(*["FAILED"] * 9)
        with pytest.raises(
            QuantumTaskFailed, match=rf"on SV1 \(sent {retries + 1} times.*the laser is off"
        ):
            sender(device, retries).run("circuit")
        assert len(device.sent) == retries + 1

    @pytest.mark.parametrize("status", ["CANCELLING", "CANCELLED"])
    def test_what_somebody_cancelled_is_not_sent_again(self, status: str) -> None:
        device = Device(status)
        with pytest.raises(QuantumTaskCancelled, match="task 1 was cancelled"):
            sender(device).run("circuit")
        assert (len(device.sent), device.cancelled) == (1, [])

    def test_a_task_that_takes_too_long_is_cancelled(self) -> None:
        device = Device("QUEUED")
        with pytest.raises(QuantumTaskTimeout, match=r"QUEUED after 100 s.*`poll_timeout_seconds`"):
            sender(device).run("circuit")
        assert (len(device.sent), device.cancelled) == (1, ["task 1"])

    def test_a_task_that_ended_meanwhile_cannot_be_cancelled(self) -> None:
        device = Device("RUNNING")

        def ended(_: str) -> None:
            raise refusal("ConflictException")

        device.aws_session.cancel_quantum_task = ended
        with pytest.raises(QuantumTaskTimeout):
            sender(device).run("circuit")


class TestBusy:
    @pytest.mark.parametrize("code", ["ThrottlingException", "ServiceQuotaExceededException"])
    def test_requests_are_made_again_later_and_later(self, code: str, pauses: list[float]) -> None:
        device = Device(*[refusal(code)] * 7)
        assert sender(device, timeout=1000).run("circuit").status == "COMPLETED"
        assert pauses == [1, 2, 4, 8, 16, 30, 30]

    @pytest.mark.parametrize(
        ("code", "cure"),
        [
            ("ThrottlingException", "raise `poll_interval_seconds`"),
            ("ServiceQuotaExceededException", "lower `max_jobs`, or ask AWS for more"),
        ],
    )
    def test_for_as_long_as_a_task_may_take(
        self, code: str, cure: str, pauses: list[float]
    ) -> None:
        with pytest.raises(BraketError, match=f"{code}: said AWS.*{cure}"):
            sender(Device(*[refusal(code)] * 99), timeout=10).run("circuit")
        assert pauses == [1, 2, 4]

    def test_other_refusals_are_final(self, pauses: list[float]) -> None:
        device = Device(refusal("ValidationException"))
        with pytest.raises(BraketError, match="ValidationException: said AWS"):
            sender(device).run("circuit")
        assert (pauses, device.sent) == ([], [])

    def test_a_look_at_a_task_may_be_refused_as_well(self, pauses: list[float]) -> None:
        device, looks = Device(), [refusal("ThrottlingException"), None]

        class Busy(Device):
            def run(self, circuit: Any, **settings: Any) -> Task:
                def look() -> Any:
                    found = looks.pop(0)
                    if found:
                        raise found
                    return "result"

                self.sent.append((circuit, settings))
                return Task(1, "RUNNING", look)

        device = Busy()
        assert sender(device).run("circuit").id == "task 1"
        assert (pauses, len(device.sent)) == ([1], 1)

    def test_who_has_been_cancelled_waits_no_more(self) -> None:
        call = Call()

        class Busy(Device):
            def run(self, circuit: Any, **settings: Any) -> Task:
                call.cancel()
                return super().run(circuit, **settings)

        device = Busy(*[refusal("ThrottlingException")] * 2)
        call.run(sender(device).run, "circuit")
        assert call.cancelled()
        assert len(device.ends) == 1, "it asked once"


class TestCancel:
    def test_what_was_cancelled_before_is_not_sent(self) -> None:
        device, call = Device(), Call()

        def cancelled() -> Any:
            call.cancel()
            return sender(device).run("circuit")

        call.run(cancelled)
        assert call.cancelled()
        assert not device.sent

    def test_a_task_that_runs_is_cancelled_and_not_sent_again(self) -> None:
        call = Call()

        class Slow(Device):
            def run(self, circuit: Any, **settings: Any) -> Task:
                task = super().run(circuit, **settings)
                task.status = "FAILED"
                task.result = lambda: None if call.cancel() else "it had ended"
                return task

        device = Slow()
        call.run(sender(device).run, "circuit")
        assert call.cancelled()
        assert (len(device.sent), device.cancelled) == (1, ["task 1"])

    def test_a_task_that_has_ended_is_not_cancelled(self) -> None:
        call, device = Call(), Device()
        call.run(sender(device).run, "circuit")
        assert not call.cancel()
        assert call.result().status == "COMPLETED"
        assert not device.cancelled


class Meeting(Device):
    """A device whose tasks only end when so many run at once."""

    def __init__(self, parties: int) -> None:
        super().__init__()
        self._gate = threading.Barrier(parties)

    def run(self, circuit: Any, **settings: Any) -> Task:
        self._gate.wait(WAIT)
        return super().run(circuit, **settings)


class TestBatch:
    @pytest.mark.parametrize(("most", "circuits"), [(3, 3), (None, 10)])
    def test_circuits_run_side_by_side(self, most: int | None, circuits: int) -> None:
        batch = sender(Meeting(circuits)).run_batch(range(circuits), max_parallel=most)
        assert batch.results() == list(range(circuits))
        assert not batch.unsuccessful

    @pytest.mark.parametrize(
        ("inputs", "each"),
        [
            (None, [{}, {}]),
            ({"a": 1.0}, [{"a": 1.0}] * 2),
            ([{"a": 1.0}, {"a": 2.0}], [{"a": 1.0}, {"a": 2.0}]),
        ],
    )
    def test_each_has_its_inputs(self, inputs: Any, each: Sequence[Any]) -> None:
        device = Device()
        sender(device).run_batch(["x", "y"], max_parallel=1, inputs=inputs, shots=5)
        assert device.sent == [
            (circuit, {"inputs": found, "shots": 5})
            for circuit, found in zip("xy", each, strict=True)
        ]

    def test_one_error_ends_the_others(self) -> None:
        begun, cancelled = threading.Event(), threading.Event()

        class Mixed(Device):
            def run(self, circuit: Any, **settings: Any) -> Task:
                if circuit == "wrong":
                    assert begun.wait(WAIT)
                    raise refusal("ValidationException")

                def runs() -> Any:
                    begun.set()
                    assert cancelled.wait(WAIT)

                return Task(1, "CANCELLED", runs)

        device = Mixed()
        device.aws_session.cancel_quantum_task = lambda _: cancelled.set()
        with pytest.raises(BraketError, match="ValidationException"):
            sender(device).run_batch(["right", "wrong"])
        assert cancelled.is_set()


class TestTold:
    @pytest.mark.parametrize(
        ("raised", "text"),
        [
            (NoCredentialsError(), "there are no AWS credentials: set AWS_ACCESS_KEY_ID"),
            (NoRegionError(), "no AWS region is set: set AWS_DEFAULT_REGION"),
            (ProfileNotFound(profile="mine"), r"\(mine\).*see `aws_session` and AWS_PROFILE"),
            (EndpointConnectionError(endpoint_url="http://x"), "AWS cannot be reached: .*http://x"),
            (refusal("DeviceOfflineException"), "the device is offline: choose another"),
            (refusal("DeviceRetiredException"), "the device was retired: choose another"),
            (refusal("AccessDeniedException"), "see the policy AmazonBraketFullAccess"),
            (refusal("ExpiredTokenException"), r"does not take the credentials \(said AWS\): set"),
            (refusal("UnrecognizedClientException"), "does not take the credentials"),
            (refusal("NoSuchKey", "no Bucket b"), "no Bucket b - see `s3_destination_folder`"),
            (refusal("InternalServiceException"), "InternalServiceException: said AWS$"),
        ],
    )
    def test_what_helps(self, raised: Exception, text: str) -> None:
        with pytest.raises(BraketError, match=text) as caught, told(ARN):
            raise raised
        assert str(caught.value).startswith("BraketQubitExecutor")
        assert caught.value.__cause__ is raised
