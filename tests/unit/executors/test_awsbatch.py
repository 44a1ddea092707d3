import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from botocore.session import Session
from tests.unit.executors.contract import PYTHON, ExecutorContract

from covalent.executor import AWSBatchExecutor
from covalent_contracts.errors import InvalidWorkflow, UnsupportedPython
from covalent_executors import registry
from covalent_executors.place import Batch, Place
from covalent_executors.task import JOB_ERRORS
from covalent_runner.exits import AGAIN

BATCH = Batch(
    "covalent-jobs",
    {"3.11": "covalent-jobs-py311"},
    gpu_queue="covalent-gpu-jobs",
    environment={"COVALENT_TABLE": "table", "COVALENT_BUCKET": "bucket"},
)
PLACE = Place({"3.11": "runner-311"}, batch=BATCH)


class TestBatch(ExecutorContract):
    executor = AWSBatchExecutor
    place = PLACE
    bare = (Place({"3.11": "runner-311"}), "Terraform variable `batch`")
    failures = JOB_ERRORS
    defaults: ClassVar[Mapping[str, Any]] = {
        "profile": "default",
        "region": "us-east-1",
        "credentials": "~/.aws/credentials",
        "batch_queue": "covalent-batch-queue",
        "s3_bucket_name": "covalent-batch-job-resources",
        "batch_job_definition_name": "covalent-batch-jobs",
        "batch_execution_role_name": "ecsTaskExecutionRole",
        "batch_job_role_name": "CovalentBatchJobRole",
        "batch_job_log_group_name": "covalent-batch-job-logs",
        "vcpu": 2,
        "memory": 3.75,
        "num_gpus": 0,
        "retry_attempts": 3,
        "time_limit": 300,
        "poll_freq": 10,
        "cache_dir": "/tmp/covalent",
        "retries": 0,
    }
    example: ClassVar[Mapping[str, Any]] = {
        "s3_bucket_name": "covalent-batch-qa-job-resources",
        "batch_job_definition_name": "covalent-batch-qa-job-definition",
        "batch_queue": "covalent-batch-qa-queue",
        "batch_execution_role_name": "ecsTaskExecutionRole",
        "batch_job_role_name": "covalent-batch-qa-job-role",
        "batch_job_log_group_name": "covalent-batch-qa-log-group",
        "vcpu": 2,
        "memory": 3.75,
        "time_limit": 300,
    }
    misspelt: ClassVar[Mapping[str, str]] = {
        "vcpus": "vcpu",
        "mem": "memory",
        "gpus": "num_gpus",
        "batch_job_definition": "batch_job_definition_name",
        "queue": "batch_queue",
    }
    refused = (
        ({"vcpu": 0}, "greater than 0"),
        ({"vcpu": "two"}, "number"),
        ({"memory": 0.001}, "greater than or equal"),
        ({"num_gpus": -1}, "greater than or equal"),
        ({"num_gpus": 1.5}, "integer"),
        ({"retry_attempts": 11}, "less than or equal to 10"),
        ({"batch_queue": ""}, "match pattern"),
        ({"batch_job_definition_name": "no spaces"}, "match pattern"),
        ({"vcpu": 0.5, "batch_queue": "covalent-batch-queue"}, "whole number"),
    )
    secrets = ("credentials", "profile")

    def time_limit_of(self, state: Mapping[str, Any]) -> float:
        assert "TimeoutSeconds" not in state, "it would count from the submission"
        found = state["Parameters"]["ContainerOverrides"]["Environment"]
        return float(found[1]["Value"])

    def test_the_job_of_an_electron(self) -> None:
        assert self.state()["Parameters"] == {
            "JobName.$": "States.Format('{}-{}-{}',$.dispatch_id,0,$$.State.RetryCount)",
            "JobQueue": "covalent-jobs",
            "JobDefinition": "covalent-jobs-py311",
            "ContainerOverrides": {
                "Command": ["python", "-m", "covalent_runner"],
                "ResourceRequirements": [
                    {"Type": "VCPU", "Value": "2"},
                    {"Type": "MEMORY", "Value": "3840"},
                ],
                "Environment": [
                    {
                        "Name": "COVALENT_ELECTRON",
                        "Value.$": "States.Format('{} {} {}',$.dispatch_id,0,$$.State.RetryCount)",
                    },
                    {"Name": "COVALENT_TIME_LIMIT", "Value": "300"},
                ],
            },
            "RetryStrategy": {
                "Attempts": 4,
                "EvaluateOnExit": [
                    {"OnStatusReason": "Host EC2*", "Action": "RETRY"},
                    {"OnReason": "*", "Action": "EXIT"},
                ],
            },
            "Timeout": {"AttemptDurationSeconds": 360},
        }

    def test_names_of_the_users_own_win(self) -> None:
        parameters = self.state(**self.example)["Parameters"]
        assert parameters["JobQueue"] == "covalent-batch-qa-queue"
        assert parameters["JobDefinition"] == "covalent-batch-qa-job-definition"

    def test_a_definition_of_the_users_own_is_told_what_the_runner_needs(self) -> None:
        found = self.state(**self.example)["Parameters"]["ContainerOverrides"]["Environment"]
        assert {"Name": "COVALENT_TABLE", "Value": "table"} in found

    def test_a_queue_of_the_users_own_may_have_any_machines(self) -> None:
        parameters = self.state(batch_queue="mine", vcpu=0.25, memory=0.5, num_gpus=1)["Parameters"]
        assert parameters["JobQueue"] == "mine"

    def test_gpus(self) -> None:
        parameters = self.state(num_gpus=2)["Parameters"]
        assert parameters["JobQueue"] == "covalent-gpu-jobs"
        wanted = parameters["ContainerOverrides"]["ResourceRequirements"]
        assert wanted[-1] == {"Type": "GPU", "Value": "2"}

    def test_without_a_limit_there_is_none(self) -> None:
        parameters = self.state(time_limit=-1)["Parameters"]
        assert "Timeout" not in parameters
        assert self.time_limit_of(self.state(time_limit=-1)) == 0

    @pytest.mark.parametrize(("attempts", "sent"), [(0, 1), (9, 10), (10, 10)])
    def test_attempts_of_batch_itself(self, attempts: int, sent: int) -> None:
        strategy = self.state(retry_attempts=attempts)["Parameters"]["RetryStrategy"]
        assert strategy["Attempts"] == sent

    @pytest.mark.parametrize(("retries", "sent"), [(0, 4), (2, 6), (20, 10)])
    def test_attempts_in_an_array(self, retries: int, sent: int) -> None:
        """What failed is started again at once, though others of the array still run."""
        states = json.loads(self.compiled(n=60, retries=retries).definition)["States"]
        (strategy,) = [
            each["Parameters"]["RetryStrategy"]
            for each in states.values()
            if "ArrayProperties" in each.get("Parameters", {})
        ]
        assert strategy["Attempts"] == sent
        rule = {"OnExitCode": str(AGAIN), "Action": "RETRY"}
        assert (rule in strategy["EvaluateOnExit"]) == (retries > 0)

    def test_every_error_of_submit_job_is_refused_or_tried_again(self) -> None:
        """Or `States.TaskFailed` would match it, and spend the electron's retries."""
        model = Session().get_service_model("batch").operation_model("SubmitJob")
        known = {f"Batch.{each.name}" for each in model.error_shapes}
        task = self.task()
        assert known <= {*task.refused, *task.transient, *task.full}

    def test_a_throttled_submission_is_tried_again(self) -> None:
        service, throttled = self.state()["Retry"]
        assert "Batch.TooManyRequestsException" in throttled["ErrorEquals"]
        assert throttled["JitterStrategy"] == "FULL"
        assert throttled["MaxAttempts"] >= 100
        assert "States.TaskFailed" not in service["ErrorEquals"] + throttled["ErrorEquals"]

    def test_refused_submissions_have_room_in_the_history(self) -> None:
        """Of those in no array: 1,500 at 50 a second are half a minute, in which most are refused several times."""
        pairs = [(2 * i, 2 * i + 1) for i in range(750)]
        assert self.compiled(*pairs[:250], n=500).cost.events >= 500 * (6 + 4 * 3)
        wide = self.compiled(*pairs, n=1500).cost
        assert (wide.distributed, wide.batches) == (1, 19)
        assert wide.events >= 40 * 2 * (6 + 4 * 3)

    def test_many_beside_each_other_are_one_submission(self) -> None:
        cost = self.compiled(n=1500).cost
        assert (cost.arrays, cost.transitions, cost.distributed) == (1, 1, 0)

    def test_a_submission_is_well_below_30_kib(self) -> None:
        assert len(json.dumps(self.state(**self.example)["Parameters"])) < 3000


@pytest.mark.parametrize(
    ("batch", "attributes", "word"),
    [
        (replace(BATCH, gpu_queue=""), {"num_gpus": 1}, "num_gpus: no machine"),
        (replace(BATCH, is_fargate=True), {"vcpu": 3}, "no 3 vCPU"),
        (replace(BATCH, is_fargate=True), {"vcpu": 2, "memory": 3.75}, "no 3.75 GB"),
        (
            replace(BATCH, is_fargate=True),
            {"vcpu": 1, "memory": 2, "num_gpus": 1},
            "num_gpus: Fargate",
        ),
    ],
)
def test_what_the_deployment_has_not_got(
    batch: Batch, attributes: dict[str, Any], word: str
) -> None:
    with pytest.raises(InvalidWorkflow, match=word):
        registry.task("awsbatch", attributes, replace(PLACE, batch=batch), PYTHON)


def test_fargate_takes_fractions() -> None:
    fargate = replace(PLACE, batch=replace(BATCH, is_fargate=True))
    assert registry.task("awsbatch", {"vcpu": 0.25, "memory": 0.5}, fargate, PYTHON)


def test_there_must_be_a_definition_for_the_python() -> None:
    with pytest.raises(UnsupportedPython, match=r"no job definition for Python 3\.12"):
        registry.task("awsbatch", {}, PLACE, "3.12.1")
