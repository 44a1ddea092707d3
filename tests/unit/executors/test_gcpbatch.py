from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

from tests.unit.executors.elsewhere import ARN, ElsewhereContract

from covalent.executor import GCPBatchExecutor
from covalent_executors.adapter import State
from covalent_executors.gcpbatch import states

JOB: Mapping[str, Any] = {
    "project_id": "my-gcp-project-id",
    "container_image_uri": "my-executor-container-image-uri",
    "service_account_email": "my-service-account-email",
}


class TestGoogleBatch(ElsewhereContract):
    executor = GCPBatchExecutor
    defaults: ClassVar[Mapping[str, Any]] = {
        "region": "us-east1",
        "vcpus": 2,
        "memory": 256,
        "retries": 3,
        "time_limit": 300,
        "poll_freq": 5,
        "cache_dir": "/tmp/covalent",
    }
    required: ClassVar[Mapping[str, Any]] = JOB
    example: ClassVar[Mapping[str, Any]] = {
        "bucket_name": "my-gcp-bucket",
        **JOB,
        "vcpus": 2,
        "memory": 512,
        "time_limit": 300,
        "poll_freq": 3,
        "credentials": ARN,
    }
    positional = (
        *("project_id", "region", "bucket_name", "container_image_uri", "service_account_email"),
        *("vcpus", "memory", "retries", "time_limit", "poll_freq", "cache_dir"),
    )
    misspelt: ClassVar[Mapping[str, str]] = {"project": "project_id", "bucket": "bucket_name"}
    refused = (
        ({"project_id": None}, "pattern"),
        ({"region": "Iowa"}, "pattern"),
        ({"container_image_uri": None}, "at least 1"),
        ({"service_account_email": None}, "at least 1"),
        ({"vcpus": 0}, "greater than or equal to 1"),
        ({"memory": 0}, "greater than or equal to 1"),
        ({"time_limit": 15 * 24 * 3600}, "1209600"),
    )
    secrets = ("credentials",)
    native_states: ClassVar[Mapping[Any, Any]] = {
        "STATE_UNSPECIFIED": State.PENDING,
        "QUEUED": State.PENDING,
        "SCHEDULED": State.PENDING,
        "RUNNING": State.RUNNING,
        "CANCELLATION_IN_PROGRESS": State.RUNNING,
        "SUCCEEDED": State.ENDED,
        "FAILED": State.ENDED,
        "CANCELLED": State.ENDED,
        "DELETION_IN_PROGRESS": State.ENDED,
    }
    literals: ClassVar[Mapping[str, Any]] = {**JOB, "credentials": '{"private_key": "SECRET"}'}

    def read(self, native: Any) -> Any:
        status = SimpleNamespace(state=SimpleNamespace(name=native), status_events=[])
        return states.sighting(SimpleNamespace(status=status)).state

    def test_the_reference_writes_vcpu_too(self) -> None:
        assert self.attributes(vcpu=8)["vcpus"] == 8
        assert "vcpu" not in self.attributes(vcpu=8)
