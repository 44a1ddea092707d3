"""Batch and ECS as their own APIs and as Step Functions calls them."""

import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from tests.golden import shapes

from covalent_executors.awsbatch.template import ARRAY
from covalent_executors.place import Batch, Ecs, Place
from covalent_localstack import asl, ecs
from covalent_localstack.interpreter import MOTO
from covalent_runner import causes
from covalent_step_functions.compiler import compile_dispatch

Run = Callable[..., dict[str, Any]]
Client = Callable[[str], Any]
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "caught"}]
SUBNET = {"Subnets": ["subnet-871545e1"], "SecurityGroups": ["sg-0043541a"]}
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-871545e1"], "securityGroups": []}}


def submit(*command: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {
            "JobName.$": "States.Format('job-{}',$.id)",
            "JobQueue": "someones-queue",
            "JobDefinition": "someones-definition",
            "ContainerOverrides": {
                "Command": list(command),
                "Environment": [{"Name": "OWN", "Value.$": "$.id"}],
                "ResourceRequirements": [{"Type": "VCPU", "Value": "2"}],
            },
        },
        "Catch": CATCH,
        "End": True,
        **more,
    }


def run_task(*command: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": {
            "LaunchType": "FARGATE",
            "Cluster": "someones-cluster",
            "TaskDefinition": "someones-family",
            "NetworkConfiguration": {"AwsvpcConfiguration": SUBNET},
            "Overrides": {
                "Cpu": "256",
                "Memory": "512",
                "ContainerOverrides": [{"Name": "electron", "Command": list(command)}],
            },
        },
        "Catch": CATCH,
        "End": True,
        **more,
    }


def test_what_the_compiler_writes_of_them_needs_no_parser(aws: Any) -> None:
    """A state of a job costs no more to read than one of a function."""
    found = shapes.manifest(
        [(0, 1)],
        executors={name: {"name": name} for name in ("awsbatch", "ecs")},
        executor_of={0: "awsbatch", 1: "ecs"},
    )
    place = Place(
        {"3.11": "runner"},
        batch=Batch("q", {"3.11": "d"}),
        ecs=Ecs("c", {"3.11": "d"}, ["subnet"], ["sg"]),
    )
    definition = compile_dispatch(found, place, "owner").definition
    assert ".sync" in definition
    assert asl.parse(definition)[1] is None


def machine(state: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": "s", "States": {"s": state, "caught": {"Type": "Pass", "End": True}}}


def event() -> dict[str, str]:
    return {"id": uuid.uuid4().hex}


def outcome(described: dict[str, Any]) -> Any:
    assert described["status"] == "SUCCEEDED", described
    return json.loads(described["output"])


def error_of(described: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    found = outcome(described)["error"]
    return found["Error"], json.loads(found["Cause"])


def test_a_job_of_batch(run: Run, client: Client) -> None:
    given = event()
    found = outcome(run(machine(submit("sh", "-c", "echo own $OWN")), given))
    assert (found["Status"], found["JobName"]) == ("SUCCEEDED", f"job-{given['id']}")
    assert found["Container"]["ExitCode"] == 0
    logs = client("logs").get_log_events(
        logGroupName="/aws/batch/job", logStreamName=found["Container"]["LogStreamName"]
    )
    assert [each["message"] for each in logs["events"]] == [f"own {given['id']}"]


def test_a_job_that_fails(run: Run) -> None:
    error, cause = error_of(run(machine(submit("sh", "-c", "exit 7")), event()))
    assert error == "States.TaskFailed"
    assert cause["Container"]["ExitCode"] == 7
    (attempt,) = cause["Attempts"]
    assert attempt["StatusReason"] == cause["StatusReason"] == "Essential container in task exited"


def test_a_task_of_ecs(run: Run) -> None:
    found = outcome(run(machine(run_task("true"))))
    assert (found["LastStatus"], found["StopCode"]) == ("STOPPED", "EssentialContainerExited")
    (container,) = found["Containers"]
    assert container["ExitCode"] == 0
    details = {each["Name"]: each["Value"] for each in found["Attachments"][0]["Details"]}
    assert details["subnetId"] == "subnet-871545e1"


def test_a_task_that_fails(run: Run) -> None:
    error, cause = error_of(run(machine(run_task("sh", "-c", "exit 7"))))
    assert error == "States.TaskFailed"
    assert [each["ExitCode"] for each in cause["Containers"]] == [7]


@pytest.mark.parametrize("make", [submit, run_task])
def test_a_state_that_times_out_ends_it(
    run: Run, make: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    written = tmp_path / "pid"
    command = ("sh", "-c", f"echo $$ > {written}; exec sleep 600")
    found = outcome(run(machine(make(*command, TimeoutSeconds=2)), event()))
    assert found["error"]["Error"] == "States.Timeout"
    if written.exists():  # it may have been ended before it began
        _ended(int(written.read_text()))


@pytest.mark.parametrize("make", [submit, run_task])
def test_a_stopped_execution_ends_it(
    client: Client, make: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    states, written = client("stepfunctions"), tmp_path / "pid"
    command = ("sh", "-c", f"echo $$ > {written}.part; mv {written}.part {written}; exec sleep 600")
    arn = states.create_state_machine(
        name=f"m{uuid.uuid4().hex[:12]}",
        definition=json.dumps(machine(make(*command))),
        roleArn="arn:aws:iam::123456789012:role/covalent-machine",
    )["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn, input=json.dumps(event()))
    _until(written.exists)
    states.stop_execution(executionArn=execution["executionArn"])
    _ended(int(written.read_text()))


def test_terminate_job(client: Client, tmp_path: Path) -> None:
    batch, written = client("batch"), tmp_path / "pid"
    submitted = batch.submit_job(
        jobName="mine",
        jobQueue="a-queue",
        jobDefinition="a-definition",
        containerOverrides={"command": ["sh", "-c", f"echo $$ > {written}; exec sleep 600"]},
    )
    job = submitted["jobId"]

    def described() -> Any:
        return batch.describe_jobs(jobs=[job])["jobs"][0]

    _until(lambda: written.exists() and written.read_text())
    assert described()["status"] == "RUNNING"
    batch.terminate_job(jobId=job, reason="enough")
    _until(lambda: described()["status"] == "FAILED")
    assert described()["statusReason"] == "enough"
    assert described()["container"]["exitCode"] == 137
    _ended(int(written.read_text()))
    batch.terminate_job(jobId=job, reason="twice")
    assert described()["statusReason"] == "enough"


def test_stop_task(client: Client, tmp_path: Path) -> None:
    ecs, written = client("ecs"), tmp_path / "pid"
    command = ["sh", "-c", f"echo $$ > {written}; exec sleep 600"]
    (started,) = ecs.run_task(
        cluster="a-cluster",
        taskDefinition="a-family",
        launchType="FARGATE",
        networkConfiguration=NETWORK,
        overrides={"containerOverrides": [{"name": "electron", "command": command}]},
    )["tasks"]
    arn = started["taskArn"]

    def described() -> Any:
        return ecs.describe_tasks(cluster="a-cluster", tasks=[arn])["tasks"][0]

    _until(lambda: written.exists() and written.read_text())
    assert described()["lastStatus"] == "RUNNING"
    ecs.stop_task(cluster="a-cluster", task=arn, reason="enough")
    _until(lambda: described()["lastStatus"] == "STOPPED")
    found = described()
    assert (found["stoppedReason"], found["stopCode"]) == ("enough", "UserInitiated")
    assert found["containers"][0]["exitCode"] == 137
    _ended(int(written.read_text()))


def test_a_task_that_is_stopped_as_it_starts_ends(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be found as soon as moto has made it, and is stopped once there is something to stop."""
    begins, sought, go = threading.Event(), threading.Event(), threading.Event()
    start, find = ecs._start, ecs.find

    def slow_start(*args: Any) -> None:
        begins.set()
        assert go.wait(30)
        start(*args)

    def told_find(*args: Any) -> Any:
        sought.set()
        return find(*args)

    monkeypatch.setattr(ecs, "_start", slow_start)
    monkeypatch.setattr(ecs, "find", told_find)
    service = client("ecs")
    overrides = {"containerOverrides": [{"name": "electron", "command": ["sleep", "600"]}]}
    with ThreadPoolExecutor() as pool:
        running = pool.submit(
            service.run_task,
            cluster="slow",
            taskDefinition="slow",
            launchType="FARGATE",
            networkConfiguration=NETWORK,
            overrides=overrides,
        )
        assert begins.wait(30)
        (arn,) = service.list_tasks(cluster="slow")["taskArns"]
        stopping = pool.submit(service.stop_task, cluster="slow", task=arn, reason="enough")
        assert sought.wait(30)
        wait([stopping], timeout=0.2)  # time to find what is not there yet
        go.set()
    assert [each["taskArn"] for each in running.result()["tasks"]] == [arn]
    assert stopping.result()["task"]["stoppedReason"] == "enough"

    def described() -> Any:
        return service.describe_tasks(cluster="slow", tasks=[arn])["tasks"][0]

    _until(lambda: described()["lastStatus"] == "STOPPED")
    assert described()["containers"][0]["exitCode"] == 137


class _State:
    def _get_sfn_resource(self) -> str:
        return "runTask.sync"

    def _get_sfn_resource_type(self) -> str:
        return "ecs"


@pytest.mark.parametrize("code", [{}, {"ExitCode": None}, {"ExitCode": 1}])
def test_a_task_with_a_container_that_failed_or_never_started_has_failed(
    code: dict[str, Any],
) -> None:
    """What AWS hands on where an image cannot be pulled has no exit code."""
    reason = "CannotPullContainerError: pull access denied"
    task = {"TaskArn": "a", "Containers": [{"ExitCode": 0}, {"Reason": reason, **code}]}
    with pytest.raises(FailureEventException) as failure:
        MOTO.ended(_State(), MagicMock(), task)
    error, cause = failure.value.extract_error_cause_pair() or ("", "")
    assert error == "States.TaskFailed"
    assert json.loads(cause or "") == task


def test_a_task_all_whose_containers_succeeded_has_succeeded() -> None:
    task = {"TaskArn": "a", "Containers": [{"ExitCode": 0}]}
    assert MOTO.ended(_State(), None, task) is task


def test_two_containers_of_a_task_end_together(client: Client, tmp_path: Path) -> None:
    ecs, written = client("ecs"), tmp_path / "pid"
    sidecar = ["sh", "-c", f"echo $$ > {written}; exec sleep 600"]
    wait = ["sh", "-c", f"while ! [ -s {written} ]; do sleep 0.01; done; exit 3"]
    ecs.register_task_definition(
        family="pair",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[
            {"name": "sidecar", "image": "i", "memory": 128, "command": sidecar},
            {"name": "electron", "image": "i", "memory": 128, "command": wait},
        ],
    )
    (started,) = ecs.run_task(
        cluster="pairs", taskDefinition="pair", launchType="FARGATE", networkConfiguration=NETWORK
    )["tasks"]

    def described() -> Any:
        return ecs.describe_tasks(cluster="pairs", tasks=[started["taskArn"]])["tasks"][0]

    _until(lambda: described()["lastStatus"] == "STOPPED")
    codes = {each["name"]: each["exitCode"] for each in described()["containers"]}
    assert codes == {"sidecar": 137, "electron": 3}
    _ended(int(written.read_text()))


def test_only_a_job_of_an_array_has_a_number(run: Run) -> None:
    is_set = "exit ${AWS_BATCH_JOB_ARRAY_INDEX+1}"
    assert "JobId" in outcome(run(machine(submit("sh", "-c", is_set)), event()))


def test_an_array_of_jobs(run: Run) -> None:
    state = submit("sh", "-c", "exit $((AWS_BATCH_JOB_ARRAY_INDEX == 2))")
    state["Parameters"]["ArrayProperties"] = {"Size": 3}
    error, cause = error_of(run(machine(state), event()))
    assert error == "States.TaskFailed"
    assert cause["ArrayProperties"]["StatusSummary"]["FAILED"] == 1


def submitted_array(batch: Any, queue: str, size: int, *command: str) -> str:
    answer = batch.submit_job(
        jobName="many",
        jobQueue=queue,
        jobDefinition="a-definition",
        arrayProperties={"size": size},
        containerOverrides={"command": ["sh", "-c", *command]},
    )
    return str(answer["jobId"])


def test_an_array_follows_its_jobs(client: Client, tmp_path: Path) -> None:
    batch, go = client("batch"), tmp_path / "go"
    wait = f"while ! [ -e {go} ]; do sleep 0.01; done; exit $((AWS_BATCH_JOB_ARRAY_INDEX == 1))"
    array = submitted_array(batch, "of-arrays", 3, wait)

    def status(job: str) -> str:
        (found,) = batch.describe_jobs(jobs=[job])["jobs"]
        return str(found["status"])

    _until(lambda: status(f"{array}:0") == "RUNNING")
    assert status(array) == "PENDING"
    go.touch()
    _until(lambda: status(array) == "FAILED")
    assert [status(f"{array}:{i}") for i in range(3)] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    (listed,) = batch.list_jobs(jobQueue="of-arrays")["jobSummaryList"]
    assert listed["jobId"] == array
    children = batch.list_jobs(arrayJobId=array)["jobSummaryList"]
    assert [each["jobId"] for each in children] == [f"{array}:{i}" for i in range(3)]


def test_an_array_all_whose_jobs_succeed(client: Client) -> None:
    batch = client("batch")
    array = submitted_array(batch, "a-queue", 2, "true")
    _until(lambda: batch.describe_jobs(jobs=[array])["jobs"][0]["status"] == "SUCCEEDED")


def test_terminating_an_array_ends_its_jobs_also_those_that_wait(
    client: Client, tmp_path: Path
) -> None:
    batch = client("batch")
    own = f"{tmp_path}/$AWS_BATCH_JOB_ARRAY_INDEX"
    array = submitted_array(batch, "a-queue", 40, f"echo $$ > {own}; exec sleep 600")
    _until(lambda: any(each.read_text() for each in tmp_path.iterdir()))
    batch.terminate_job(jobId=array, reason="enough")
    _until(lambda: batch.describe_jobs(jobs=[array])["jobs"][0]["status"] == "FAILED")
    found = batch.describe_jobs(jobs=[f"{array}:0", f"{array}:39"])["jobs"]
    assert [(each["status"], each["statusReason"]) for each in found] == [("FAILED", "enough")] * 2
    pids = [each.read_text() for each in tmp_path.iterdir()]
    assert len(pids) < 40, "all of them had room"
    for pid in filter(None, pids):
        _ended(int(pid))


def test_step_functions_asks_for_a_job_of_an_array(run: Run, client: Client) -> None:
    array = submitted_array(client("batch"), "a-queue", 2, "exit $AWS_BATCH_JOB_ARRAY_INDEX")
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:batch:describeJobs",
        "Parameters": {"Jobs.$": "States.Array(States.Format('{}:{}',$.array,1))"},
        "ResultSelector": {"Cause.$": "States.JsonToString($.Jobs[0])"},
        "End": True,
    }
    batch = client("batch")
    _until(lambda: batch.describe_jobs(jobs=[array])["jobs"][0]["status"] == "FAILED")
    told = json.loads(
        outcome(run({"StartAt": "s", "States": {"s": ask}}, {"array": array}))["Cause"]
    )
    assert told["JobId"] == f"{array}:1"
    assert told["Container"]["ExitCode"] == 1


def test_step_functions_asks_for_a_job_that_batch_has_forgotten(run: Run) -> None:
    """The compiler's own question: where there is no such job any more, there is an answer all the same."""
    ask = {
        "Type": "Task",
        "Resource": ARRAY.describe,
        "Parameters": {"Jobs.$": "States.Array(States.Format('{}:{}',$.array,1))"},
        "ResultSelector": {"Cause.$": f"States.JsonToString({ARRAY.told})"},
        "End": True,
    }
    found = outcome(run({"StartAt": "s", "States": {"s": ask}}, {"array": str(uuid.uuid4())}))
    assert found["Cause"] == causes.NO_JOBS


RULES = [{"onExitCode": "6", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]


@pytest.mark.parametrize(
    ("script", "strategy", "attempts", "status"),
    [
        ("exit 6", {"attempts": 3, "evaluateOnExit": RULES}, 3, "FAILED"),
        ("exit 7", {"attempts": 3, "evaluateOnExit": RULES}, 1, "FAILED"),
        (
            "test $AWS_BATCH_JOB_ATTEMPT = 2 || exit 6",
            {"attempts": 3, "evaluateOnExit": RULES},
            2,
            "SUCCEEDED",
        ),
        ("exit 7", {"attempts": 2}, 2, "FAILED"),
        ("exit 7", {"attempts": 2, "evaluateOnExit": RULES[:1]}, 2, "FAILED"),
        ("true", {"attempts": 2}, 1, "SUCCEEDED"),
    ],
)
def test_a_job_has_as_many_attempts_as_it_was_told(
    client: Client, script: str, strategy: dict[str, Any], attempts: int, status: str
) -> None:
    batch = client("batch")
    job = batch.submit_job(
        jobName="mine",
        jobQueue="a-queue",
        jobDefinition="a-definition",
        retryStrategy=strategy,
        containerOverrides={"command": ["sh", "-c", script]},
    )["jobId"]

    def described() -> Any:
        return batch.describe_jobs(jobs=[job])["jobs"][0]

    _until(lambda: described()["status"] in ("SUCCEEDED", "FAILED"))
    assert (described()["status"], len(described()["attempts"])) == (status, attempts)


def test_a_job_that_is_terminated_is_not_tried_again(client: Client, tmp_path: Path) -> None:
    batch, written = client("batch"), tmp_path / "pid"
    job = batch.submit_job(
        jobName="mine",
        jobQueue="a-queue",
        jobDefinition="a-definition",
        retryStrategy={"attempts": 5},
        containerOverrides={"command": ["sh", "-c", f"echo $$ >> {written}; exec sleep 600"]},
    )["jobId"]
    _until(lambda: written.exists() and written.read_text())
    batch.terminate_job(jobId=job, reason="enough")
    _until(lambda: batch.describe_jobs(jobs=[job])["jobs"][0]["status"] == "FAILED")
    assert len(written.read_text().split()) == 1


def test_a_job_waits_for_those_that_it_depends_on(client: Client, tmp_path: Path) -> None:
    batch, written = client("batch"), tmp_path / "lines"

    def submitted(line: str, code: int, *needed: str) -> str:
        answer = batch.submit_job(
            jobName=line,
            jobQueue="a-queue",
            jobDefinition="a-definition",
            dependsOn=[{"jobId": each} for each in needed],
            containerOverrides={"command": ["sh", "-c", f"echo {line} >> {written}; exit {code}"]},
        )
        return str(answer["jobId"])

    first = submitted("first", 0)
    second = submitted("second", 1, first)
    third = submitted("third", 0, second)

    def statuses() -> list[str]:
        found = {
            each["jobId"]: each for each in batch.describe_jobs(jobs=[first, second, third])["jobs"]
        }
        return [found[each]["status"] for each in (first, second, third)]

    _until(lambda: statuses() == ["SUCCEEDED", "FAILED", "FAILED"])
    assert written.read_text() == "first\nsecond\n"


def test_what_ecs_refuses_is_told_by_name(run: Run) -> None:
    state = run_task("true")
    del state["Parameters"]["NetworkConfiguration"]
    found = outcome(run(machine(state)))["error"]
    assert found["Error"] == "ECS.InvalidParameterException"
    assert "Network Configuration" in found["Cause"]


def _until(holds: Callable[[], Any]) -> None:
    import time

    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def _ended(pid: int) -> None:
    def is_gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    _until(is_gone)
