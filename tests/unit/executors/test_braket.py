from typing import Any, ClassVar

import botocore.session
import pytest
from botocore.validate import ParamValidator
from tests.unit.executors.contract import ExecutorContract

from covalent.executor import BraketExecutor
from covalent_contracts.errors import InvalidWorkflow
from covalent_executors import registry
from covalent_executors.braket.place import BraketPlace
from covalent_executors.braket.spec import INSTANCE_TYPES
from covalent_executors.braket.template import LAST_WORDS, QUEUE
from covalent_executors.place import Place
from covalent_executors.task import CALLBACK_ERRORS

RUNNERS = {"3.11": "runner-311"}
ROLE = "arn:aws:iam::123456789012:role/lab-braket"
HERE = BraketPlace(
    role=ROLE,
    bucket="amazon-braket-lab",
    program="s3://data/programs/runner.tar.gz",
    registry="123456789012.dkr.ecr.us-east-1.amazonaws.com",
    other_roles=("covalent-braket-iam-role",),
    environment={"COVALENT_TABLE": "covalent", "COVALENT_BUCKET": "data"},
)
TOKEN = "t" * 2048
"""The longest that Step Functions may give."""


class TestBraket(ExecutorContract):
    executor = BraketExecutor
    defaults: ClassVar = {
        "credentials": "~/.aws/credentials",
        "braket_job_execution_role_name": "CovalentBraketJobsExecutionRole",
        "profile": "default",
        "region": "",
        "s3_bucket_name": "amazon-braket-covalent-job-resources",
        "ecr_image_uri": "",
        "ecr_repo_name": "",
        "quantum_device": "arn:aws:braket:::device/quantum-simulator/amazon/sv1",
        "classical_device": "ml.m5.large",
        "storage": 30,
        "time_limit": 300,
        "poll_freq": 30,
        "cache_dir": "/tmp/covalent",
    }
    example: ClassVar = {
        "s3_bucket_name": "braket_s3_bucket",
        "ecr_repo_name": "braket_ecr_repo",
        "braket_job_execution_role_name": "covalent-braket-iam-role",
        "quantum_device": "arn:aws:braket:::device/quantum-simulator/amazon/sv1",
        "classical_device": "ml.m5.large",
        "storage": 30,
    }
    misspelt: ClassVar = {"device": "quantum_device", "bucket_name": "s3_bucket_name"}
    refused: ClassVar = [
        ({"classical_device": "ml.m5.huge"}, "ml.m5.12xlarge"),
        ({"classical_device": "t2.micro"}, "families ml.t3"),
        ({"storage": 0}, "greater than or equal to 1"),
        ({"quantum_device": "sv1"}, "pattern"),
        ({"time_limit": 432_001}, "432000"),
        ({"ecr_image_uri": "python:3.11"}, "pattern"),
        ({"s3_bucket_name": "Not A Bucket"}, "pattern"),
        ({"braket_job_execution_role_name": "admin"}, "braket.roles"),
    ]
    place = Place(RUNNERS, prefix="lab-", braket=HERE)
    bare = (Place(RUNNERS), "variable `braket`")
    secrets: ClassVar = ("profile", "credentials", "cache_dir")
    failures = CALLBACK_ERRORS

    def test_the_time_limit_reaches_the_state_and_the_sheet(self) -> None:
        """The runner holds the electron to it, Braket a minute later; waiting for the device does not count."""
        state = self.state(**{**self.example, "time_limit": 7.5})
        assert state["TimeoutSeconds"] == 8 + QUEUE
        sent = state["Parameters"]
        assert sent["HyperParameters"]["COVALENT_TIME_LIMIT"] == "7.5"
        assert sent["StoppingCondition"] == {"MaxRuntimeInSeconds": 8 + LAST_WORDS}
        assert self._sheet(time_limit=7.5).time_limit == 7.5

    @pytest.mark.parametrize("seconds", [-1, 0, 432_000])
    def test_nothing_exceeds_what_braket_allows(self, seconds: int) -> None:
        sent = self.state(time_limit=seconds)["Parameters"]
        assert sent["StoppingCondition"] == {"MaxRuntimeInSeconds": 432_000}

    def test_it_waits_while_the_account_is_full(self) -> None:
        service, full, user = self.state(retries=1)["Retry"]
        assert full["ErrorEquals"] == ["Braket.ServiceQuotaExceededException"]
        assert full["MaxAttempts"] * full["MaxDelaySeconds"] / 2 >= 86_400
        assert full["JitterStrategy"] == "FULL"
        assert "Braket.ThrottlingException" in service["ErrorEquals"]
        assert user["MaxAttempts"] == 1

    @pytest.mark.parametrize("which", ["defaults", "example"])
    def test_braket_accepts_the_request(self, which: str) -> None:
        """As its own model has it; with the longest names and token there can be."""
        settings = dict(getattr(self, which))
        request = _request(self.state(**settings)["Parameters"])
        model = botocore.session.get_session().get_service_model("braket")
        shape = model.operation_model("CreateJob").input_shape
        assert shape is not None
        assert not ParamValidator().validate(request, shape).has_errors()
        assert len(request["hyperParameters"]["COVALENT_ELECTRON"]) <= 2500
        assert len(request["jobName"]) <= 50

    def test_what_is_not_set_is_the_deployments(self) -> None:
        sent = self.state()["Parameters"]
        assert sent["RoleArn"] == ROLE
        assert sent["OutputDataConfig"] == {"S3Path": "s3://amazon-braket-lab/jobs"}
        assert "ContainerImage" not in sent["AlgorithmSpecification"]

    def test_the_image_of_the_user(self) -> None:
        uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
        assert self._image(ecr_image_uri=uri) == uri
        named = "123456789012.dkr.ecr.us-east-1.amazonaws.com/braket_ecr_repo:stable"
        assert self._image(ecr_repo_name="braket_ecr_repo") == named

    def _image(self, **settings: Any) -> Any:
        sent = self.state(**settings)["Parameters"]
        return sent["AlgorithmSpecification"]["ContainerImage"]["Uri"]

    def test_any_role_where_the_deployment_is_the_users_own(self) -> None:
        here = BraketPlace(ROLE, "b", "s3://b/p", other_roles=("*",))
        task = registry.task(
            "braket",
            {"braket_job_execution_role_name": "mine"},
            Place(RUNNERS, braket=here),
            "3.11",
        )
        assert task.parameters["RoleArn"] == "arn:aws:iam::123456789012:role/mine"
        with pytest.raises(InvalidWorkflow, match="mine"):
            registry.task("braket", {"braket_job_execution_role_name": "mine"}, self.place, "3.11")


def _request(parameters: Any, name: str = "") -> Any:
    """Parameters as botocore has them, with something for each that the state fills in."""
    if isinstance(parameters, dict) and name not in ("hyperParameters", "tags"):
        return dict(_member(key[0].lower() + key[1:], each) for key, each in parameters.items())
    if isinstance(parameters, dict):
        return dict(_member(key, each) for key, each in parameters.items())
    return parameters


def _member(name: str, value: Any) -> tuple[str, Any]:
    if not name.endswith(".$"):
        return name, _request(value, name)
    words = ["x" * 36, "99999", "1300"]
    if "Token" in value:
        words.append(TOKEN)
    return name[:-2], value.split("'")[1][2:3].join(words)


def test_the_instance_types_are_those_of_braket() -> None:
    model = botocore.session.get_session().get_service_model("braket")
    shape: Any = model.shape_for("InstanceType")
    assert frozenset(shape.enum) == INSTANCE_TYPES
