"""Quantum tasks of Amazon Braket: circuits that the simulators of this machine run.

https://docs.aws.amazon.com/braket/latest/developerguide/braket-monitor-tasks.html

A task goes CREATED -> QUEUED -> RUNNING -> COMPLETED; its result is an object under the prefix that the client gave. It
is FAILED with a reason if the circuit does not run, and CANCELLING -> CANCELLED if someone cancels it before its end.
Every change is a "Braket Task State Change" on the default bus.
"""

import json
import re
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.s3.models import s3_backends

from covalent_localstack import braket_faults, events, quantum_devices, threads
from covalent_localstack.braket_model import Json, Refusal, invalid
from covalent_localstack.environment import ACCOUNT, REGION
from covalent_localstack.quantum_devices import Device
from covalent_localstack.quantum_simulators import Simulation, Simulators, Stopped

RESULTS = "results.json"
_FINAL = ("COMPLETED", "FAILED", "CANCELLED")
_OUR_BUCKET = re.compile(rf"amazon-braket-[a-z0-9-]+-{ACCOUNT}")
"""What the SDK of Braket calls the bucket that it makes for an account in a region."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Task:
    """A task, from its creation on.

    Args:
        request: that of CreateQuantumTask.
        device: the simulator that was asked for.
        job: the ARN of the hybrid job that it belongs to; empty if there is none.

    """

    def __init__(self, request: Json, device: Device, job: str) -> None:
        self.request = request
        self.device = device
        self.status = "CREATED"
        self._id = str(uuid.uuid4())
        self.arn = f"arn:aws:braket:{REGION}:{ACCOUNT}:quantum-task/{self._id}"
        self._job = job
        self._reason = ""
        self._times = {"createdAt": _now()}
        self._lock = threading.Lock()
        self._simulation = Simulation()
        self._is_cancelled = threading.Event()
        self._is_told = True

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.status not in _FINAL

    def start(self, simulators: Simulators) -> None:
        """Run it in the background."""
        self._tell()
        threads.start(lambda: self._run(simulators), "quantum-task")

    def cancel(self) -> bool:
        """Stop it; False if it has ended."""
        with self._lock:
            if not self.is_active:
                return False
            self.status = "CANCELLING"
        self._is_cancelled.set()
        self._simulation.stop()
        self._tell()
        return True

    def stop(self) -> None:
        """End it without a word: nobody is there to hear it."""
        self._is_told = False
        self._is_cancelled.set()
        self._simulation.stop()

    def listed(self) -> Json:
        """As SearchQuantumTasks tells."""
        return {
            "quantumTaskArn": self.arn,
            "status": self.status,
            "deviceArn": self.device.arn,
            "shots": self.request["shots"],
            "outputS3Bucket": self.request["outputS3Bucket"],
            "outputS3Directory": self._folder,
            "tags": self.request.get("tags", {}),
            **self._times,
        }

    def shown(self, *, has_queue: bool) -> Json:
        """As GetQuantumTask tells."""
        parameters = {
            "deviceParameters": self.request.get("deviceParameters", "{}"),
            "actionMetadata": {"actionType": _action(self.request["action"])},
        }
        optional = {
            "failureReason": self._reason,
            "jobArn": self._job,
            "queueInfo": self._queue() if has_queue else None,
            "associations": self.request.get("associations"),
        }
        told = {name: value for name, value in optional.items() if value}
        return {**self.listed(), **parameters, **told}

    @property
    def _folder(self) -> str:
        return f"{self.request['outputS3KeyPrefix']}/{self._id}"

    def _queue(self) -> Json:
        priority = "Priority" if self._job else "Normal"
        told = {"queue": "QUANTUM_TASKS_QUEUE", "queuePriority": priority}
        if self.status in ("CREATED", "QUEUED"):
            return {**told, "position": "1"}
        message = f"Task is in {self.status} status. AmazonBraket does not show queue position for this status."
        return {**told, "position": "None", "message": message}

    def _run(self, simulators: Simulators) -> None:
        self._become("QUEUED")
        while not braket_faults.free.wait(0.05) and not self._is_cancelled.is_set():
            pass
        reason = braket_faults.failure()
        try:
            self._end("FAILED", reason) if reason else self._simulate(simulators)
        except Stopped as exc:
            self._end("FAILED", str(exc))
        except Exception as exc:  # noqa: BLE001  # else it would run for ever
            self._end("FAILED", f"{type(exc).__name__}: {exc}")

    def _simulate(self, simulators: Simulators) -> None:
        request = {
            "simulator": self.device.simulator,
            "action": self.request["action"],
            "shots": self.request["shots"],
        }
        answer = simulators.run(self._simulation, request, lambda: self._become("RUNNING"))
        if "error" in answer:
            self._end("FAILED", answer["error"])
            return
        self._write(answer["result"])
        self._end("COMPLETED")

    def _write(self, result: Json) -> None:
        metadata = result["taskMetadata"] | {
            "id": self.arn,
            "deviceId": self.device.arn,
            "createdAt": self._times["createdAt"],
            "endedAt": _now(),
            "status": "COMPLETED",
        }
        body = json.dumps(result | {"taskMetadata": metadata}).encode()
        bucket = self.request["outputS3Bucket"]
        s3_backends[ACCOUNT]["aws"].put_object(bucket, f"{self._folder}/{RESULTS}", body)

    def _become(self, status: str) -> None:
        with self._lock:
            if self.status == "CANCELLING":
                return
            self.status = status
        self._tell()

    def _end(self, status: str, reason: str = "") -> None:
        with self._lock:
            is_cancelled = self.status == "CANCELLING"
            self._reason = "" if is_cancelled else reason
            self._times["endedAt"] = _now()
            self.status = "CANCELLED" if is_cancelled else status
        self._tell()

    def _tell(self) -> None:
        detail = {
            "quantumTaskArn": self.arn,
            "status": self.status,
            "deviceArn": self.device.arn,
            "shots": str(self.request["shots"]),
            "outputS3Bucket": self.request["outputS3Bucket"],
            "outputS3Directory": self._folder,
            "eventType": self.status,
            **self._times,
        }
        if self._is_told:
            events.tell("aws.braket", "Braket Task State Change", detail, self.arn)


class Tasks:
    """All tasks, and what runs them."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()
        self._simulators = Simulators()

    def create(self, request: Json, job: str = "") -> Json:
        """CreateQuantumTask."""
        with self._lock:
            task = self._repeated(request)
            if task is not None:
                return {"quantumTaskArn": task.arn}
            device = quantum_devices.ready(
                request["deviceArn"], request["shots"], _action(request["action"])
            )
            _check_bucket(request["outputS3Bucket"], is_of_job=bool(job))
            self._check_room(device)
            task = Task(request, device, job)
            self._tasks[task.arn] = task
        task.start(self._simulators)
        return {"quantumTaskArn": task.arn}

    def get(self, request: Json) -> Json:
        """GetQuantumTask."""
        wanted = request.get("additionalAttributeNames", [])
        return self._find(request).shown(has_queue="QueueInfo" in wanted)

    def cancel(self, request: Json) -> Json:
        """CancelQuantumTask."""
        task = self._find(request)
        if not task.cancel():
            raise Refusal("ConflictException", f"the task is {task.status} already")
        return {"quantumTaskArn": task.arn, "cancellationStatus": "CANCELLING"}

    def search(self, request: Json) -> Json:
        """SearchQuantumTasks, by what is equal."""
        with self._lock:
            found = [each.listed() for each in self._tasks.values()]
        for each in request["filters"]:
            if each["operator"] != "EQUAL":
                raise invalid(f"{each['operator']} is not served offline")
            found = [task for task in found if task.get(each["name"]) in each["values"]]
        return {"quantumTasks": found}

    def forget(self) -> None:
        """Stop and forget all of them: the server goes away."""
        self._simulators.close()
        with self._lock:
            tasks, self._tasks = self._tasks, {}
            self._simulators = Simulators()
        for task in tasks.values():
            task.stop()

    def _find(self, request: Json) -> Task:
        arn = request["quantumTaskArn"]
        with self._lock:
            if arn in self._tasks:
                return self._tasks[arn]
        raise Refusal("ResourceNotFoundException", f"there is no quantum task {arn}")

    def _repeated(self, request: Json) -> Task | None:
        for task in self._tasks.values():
            if task.request["clientToken"] == request["clientToken"]:
                if task.request != request:
                    raise invalid("the client token was used for another request")
                return task
        return None

    def _check_room(self, device: Device) -> None:
        active = [each for each in self._tasks.values() if each.is_active and each.device == device]
        if len(active) >= device.tasks:
            raise Refusal(
                "ServiceQuotaExceededException",
                f"You have reached the limit of {device.tasks} concurrent tasks on {device.name}.",
            )


def _action(text: str) -> Any:
    """What kind of program an action is."""
    try:
        return json.loads(text)["braketSchemaHeader"]["name"]
    except (ValueError, KeyError, TypeError) as exc:
        raise invalid("the action is no document of braket.ir") from exc


def _check_bucket(name: str, *, is_of_job: bool) -> None:
    """See to it that there is a bucket for the result; that of the account, and those of jobs, are made on demand."""
    backend: Any = s3_backends[ACCOUNT]["aws"]
    if name in backend.buckets:
        return
    if not is_of_job and not _OUR_BUCKET.fullmatch(name):
        raise invalid(f"The bucket {name} does not exist, or the caller may not write to it.")
    backend.create_bucket(name, REGION)
