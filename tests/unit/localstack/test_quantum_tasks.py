"""Quantum tasks and devices of Braket, as boto3 sees them. The simulator is ours: no SDK of Braket is needed."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from covalent_localstack import braket, braket_faults, quantum_devices, quantum_simulators
from covalent_localstack.stack import EmbeddedAws

SV1, TN1, DM1 = (f"{quantum_devices.PREFIX}{name}" for name in ("sv1", "tn1", "dm1"))
BUCKET = "amazon-braket-us-east-1-123456789012"
PATIENCE = 30.0
"""Seconds; only a failing run waits so long."""
SIMULATOR = """
import json, os, time
from pathlib import Path

class Result:
    resultTypes = ()

    def __init__(self, action, shots):
        self.told = {"measurements": [], "taskMetadata": {"shots": shots}, "additionalMetadata": {"action": action}}

    def dict(self, exclude_none):
        return self.told

class StateVectorSimulator:
    def run(self, program, shots):
        match program["source"].split():
            case ["fail", *why]:
                raise ValueError(" ".join(why))
            case ["die"]:
                os._exit(9)
            case ["wait", path]:
                Path(path).touch()
                time.sleep(60)
        print("not an answer")
        return Result(program, shots)
"""


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that stands for the simulators of Braket."""
    package = tmp_path / "braket"
    (package / "default_simulator").mkdir(parents=True)
    (package / "ir").mkdir()
    for folder in (package, package / "default_simulator", package / "ir"):
        (folder / "__init__.py").touch()
    (package / "default_simulator" / "state_vector_simulator.py").write_text(SIMULATOR)
    program = "import json\n\nclass Program:\n    parse_raw = staticmethod(json.loads)\n"
    (package / "ir" / "openqasm.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    yield package
    braket.forget()


@pytest.fixture
def service(client: Callable[[str], Any], simulator: Path) -> Any:
    """A client of Braket, whose answers are as the model has them."""
    made = client("braket")

    def check(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if parsed["ResponseMetadata"]["HTTPStatusCode"] < 300:
            told = {name: each for name, each in parsed.items() if name != "ResponseMetadata"}
            report = ParamValidator().validate(told, model.output_shape)
            assert not report.has_errors(), report.generate_report()
            assert told.keys() <= model.output_shape.members.keys()

    made.meta.events.register("after-call.braket", check)
    return made


def request(source: str = "good", device: str = SV1, **fields: Any) -> dict[str, Any]:
    """A request of CreateQuantumTask."""
    header = {"name": quantum_devices.OPENQASM, "version": "1"}
    return {
        "action": json.dumps({"braketSchemaHeader": header, "source": source}),
        "deviceArn": device,
        "outputS3Bucket": BUCKET,
        "outputS3KeyPrefix": "tasks",
        "shots": 10,
        **fields,
    }


def created(service: Any, *args: Any, **fields: Any) -> str:
    """A task."""
    return str(service.create_quantum_task(**request(*args, **fields))["quantumTaskArn"])


def until(service: Any, arn: str, *statuses: str) -> Any:
    """The task, once it has one of the statuses."""
    end = time.monotonic() + PATIENCE
    while (found := service.get_quantum_task(quantumTaskArn=arn))["status"] not in statuses:
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def ended(service: Any, arn: str) -> Any:
    """The task, once it has ended."""
    return until(service, arn, "COMPLETED", "FAILED", "CANCELLED")


def refusal(call: Callable[..., Any], **fields: Any) -> tuple[str, str]:
    """The name and the text of an error."""
    with pytest.raises(ClientError) as caught:
        call(**fields)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class TestDevices:
    def test_three_simulators(self, service: Any) -> None:
        found = service.search_devices(filters=[])["devices"]
        assert [each["deviceName"] for each in found] == ["SV1", "TN1", "DM1"]
        assert {each["deviceStatus"] for each in found} == {"ONLINE"}

    def test_search_by_arn(self, service: Any) -> None:
        filters = [{"name": "deviceArn", "values": [TN1]}]
        (found,) = service.search_devices(filters=filters)["devices"]
        assert found["deviceName"] == "TN1"

    def test_search_by_what_devices_have_not(self, service: Any) -> None:
        filters = [{"name": "colour", "values": ["blue"]}]
        assert refusal(service.search_devices, filters=filters)[0] == "ValidationException"

    @pytest.mark.parametrize(("arn", "qubits"), [(SV1, 34), (TN1, 50), (DM1, 17)])
    def test_properties(self, service: Any, arn: str, qubits: int) -> None:
        found = service.get_device(deviceArn=arn)
        document = json.loads(found["deviceCapabilities"])
        assert document["paradigm"]["qubitCount"] == qubits
        assert quantum_devices.OPENQASM in document["action"]

    def test_none(self, service: Any) -> None:
        arn = "arn:aws:braket:::device/qpu/nobody/nothing"
        assert refusal(service.get_device, deviceArn=arn)[0] == "ResourceNotFoundException"


class TestTasks:
    def test_its_result_lies_under_the_prefix(
        self, service: Any, client: Callable[[str], Any]
    ) -> None:
        arn = created(service, tags={"who": "test"}, outputS3KeyPrefix="/a/b")
        task = ended(service, arn)
        assert task["status"] == "COMPLETED", task
        assert task["tags"] == {"who": "test"}
        assert task["createdAt"] <= task["endedAt"]
        folder = task["outputS3Directory"]
        assert folder == f"/a/b/{arn.rpartition('/')[2]}"
        body = client("s3").get_object(Bucket=BUCKET, Key=f"{folder}/results.json")["Body"].read()
        result = json.loads(body)
        assert result["taskMetadata"]["id"] == arn
        assert result["taskMetadata"]["deviceId"] == SV1
        assert "simulatorMetadata" in result["additionalMetadata"]

    def test_the_reason_of_a_failure(self, service: Any) -> None:
        task = ended(service, created(service, "fail there are no such gates"))
        assert task["status"] == "FAILED"
        assert task["failureReason"] == "ValueError: there are no such gates"

    def test_a_simulator_that_dies(self, service: Any) -> None:
        task = ended(service, created(service, "die"))
        assert task["status"] == "FAILED"
        assert "ended with code 9" in task["failureReason"]
        assert ended(service, created(service))["status"] == "COMPLETED", "there is another one"

    def test_without_the_package(self, service: Any, simulator: Path) -> None:
        missing = 'raise ModuleNotFoundError("there is no braket", name="braket")'
        (simulator / "__init__.py").write_text(missing)
        task = ended(service, created(service))
        assert task["status"] == "FAILED"
        assert "amazon-braket-default-simulator is not installed" in task["failureReason"]
        assert "pip install 'covalent-serverless[braket]'" in task["failureReason"]

    def test_cancel_while_it_waits(self, service: Any) -> None:
        braket_faults.free.clear()
        arn = created(service)
        until(service, arn, "QUEUED")
        told = service.cancel_quantum_task(quantumTaskArn=arn)
        assert told["cancellationStatus"] == "CANCELLING"
        task = ended(service, arn)
        assert task["status"] == "CANCELLED"
        assert "failureReason" not in task

    def test_cancel_while_it_runs(self, service: Any, tmp_path: Path) -> None:
        mark = tmp_path / "running"
        arn = created(service, f"wait {mark}")
        until(service, arn, "RUNNING")
        while not mark.exists():
            time.sleep(0.01)
        service.cancel_quantum_task(quantumTaskArn=arn)
        assert ended(service, arn)["status"] == "CANCELLED"

    def test_cancel_after_its_end(self, service: Any) -> None:
        arn = created(service)
        ended(service, arn)
        code, message = refusal(service.cancel_quantum_task, quantumTaskArn=arn)
        assert code == "ConflictException"
        assert "COMPLETED" in message

    def test_the_place_in_the_queue(self, service: Any) -> None:
        braket_faults.free.clear()
        arn = created(service)
        wanted = {"quantumTaskArn": arn, "additionalAttributeNames": ["QueueInfo"]}
        assert service.get_quantum_task(**wanted)["queueInfo"]["position"] == "1"
        braket_faults.free.set()
        ended(service, arn)
        told = service.get_quantum_task(**wanted)["queueInfo"]
        assert told["position"] == "None"
        assert "COMPLETED" in told["message"]
        assert "queueInfo" not in service.get_quantum_task(quantumTaskArn=arn)

    def test_the_same_token_is_the_same_task(self, service: Any) -> None:
        first = created(service, clientToken="one")
        assert created(service, clientToken="one") == first
        code, message = refusal(
            service.create_quantum_task, **request("another", clientToken="one")
        )
        assert code == "ValidationException"
        assert "token" in message

    def test_search(self, service: Any) -> None:
        arn = created(service)
        ended(service, created(service, "fail so"))
        ended(service, arn)
        filters = [{"name": "status", "operator": "EQUAL", "values": ["COMPLETED"]}]
        found = service.search_quantum_tasks(filters=filters)["quantumTasks"]
        assert [each["quantumTaskArn"] for each in found] == [arn]

    def test_its_changes_are_events(self, service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[tuple[str, str]] = []

        def tell(source: str, kind: str, detail: dict[str, Any], arn: str) -> None:
            told.append((kind, detail["status"]))

        monkeypatch.setattr("covalent_localstack.events.tell", tell)
        ended(service, created(service))
        statuses = ["CREATED", "QUEUED", "RUNNING", "COMPLETED"]
        end = time.monotonic() + PATIENCE
        while len(told) < len(statuses):  # the last is told a moment after it shows
            assert time.monotonic() < end
            time.sleep(0.01)
        assert told == [("Braket Task State Change", each) for each in statuses]


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "code", "message"),
        [
            ({"device": "arn:aws:braket:::device/x"}, "ValidationException", "no device"),
            (
                {"shots": 100_001},
                "ValidationException",
                f"Shot count should be between 0 and 100000 on {SV1}, but found 100001.",
            ),
            ({"device": TN1, "shots": 0}, "ValidationException", "between 1 and"),
            ({"outputS3Bucket": "not-ours"}, "ValidationException", "The bucket not-ours"),
            ({"action": "{}"}, "ValidationException", "no document of braket.ir"),
            (
                {"action": '{"braketSchemaHeader": {"name": "braket.ir.ahs.program"}}'},
                "ValidationException",
                "does not support the action braket.ir.ahs.program",
            ),
            ({"deviceParameters": "x" * 48_001}, "ValidationException", "48000 are allowed"),
            ({"jobToken": "nobody's"}, "ResourceNotFoundException", "no job"),
        ],
    )
    def test_requests(self, service: Any, fields: dict[str, Any], code: str, message: str) -> None:
        found = refusal(service.create_quantum_task, **request(**fields))
        assert found[0] == code
        assert re.search(re.escape(message), found[1])

    @pytest.mark.parametrize("status", ["OFFLINE", "RETIRED"])
    def test_devices_that_take_no_tasks(self, service: Any, status: str) -> None:
        braket_faults.statuses[SV1] = status
        code, _ = refusal(service.create_quantum_task, **request())
        assert code == f"Device{status.title()}Exception"
        assert service.get_device(deviceArn=SV1)["deviceStatus"] == status

    def test_no_such_task(self, service: Any) -> None:
        for call in (service.get_quantum_task, service.cancel_quantum_task):
            assert refusal(call, quantumTaskArn="arn:nothing")[0] == "ResourceNotFoundException"

    def test_no_more_than_the_account_may_have(self, service: Any) -> None:
        braket_faults.free.clear()
        for _ in range(10):
            created(service, device=TN1)
        code, message = refusal(service.create_quantum_task, **request(device=TN1))
        assert code == "ServiceQuotaExceededException"
        assert "10 concurrent tasks on TN1" in message

    def test_too_many_requests(self, service: Any) -> None:
        braket_faults.throttled["SearchDevices"] = 1
        assert service.search_devices(filters=[])["devices"], "boto3 tries again by itself"
        braket_faults.throttled["SearchDevices"] = 50
        assert refusal(service.search_devices, filters=[])[0] == "ThrottlingException"


class TestSimulators:
    def test_one_that_was_stopped_before_it_began(self, simulator: Path) -> None:
        simulators = quantum_simulators.Simulators()
        simulation = quantum_simulators.Simulation()
        simulation.stop()
        with pytest.raises(quantum_simulators.Stopped):
            simulators.run(simulation, {}, lambda: None)
        simulators.close()

    def test_none_after_the_end(self, simulator: Path) -> None:
        simulators = quantum_simulators.Simulators()
        simulators.close()
        with pytest.raises(quantum_simulators.Stopped, match="not running"):
            simulators.run(quantum_simulators.Simulation(), {}, lambda: None)

    def test_the_server_leaves_no_process(self, aws: EmbeddedAws, service: Any) -> None:
        ended(service, created(service))
        (process,) = braket._tasks._simulators._idle
        braket.forget()
        assert process.poll() is not None
