from collections.abc import Mapping
from typing import Any, ClassVar

from tests.unit.executors.elsewhere import ARN, ElsewhereContract

from covalent.executor import GCPFunctionsExecutor

CALL: Mapping[str, Any] = {
    "project_id": "my-gcp-project-id",
    "service_account_email": "caller@my-gcp-project-id.iam.gserviceaccount.com",
}


class TestGoogleFunctions(ElsewhereContract):
    executor = GCPFunctionsExecutor
    defaults: ClassVar[Mapping[str, Any]] = {
        "region": "us-east1",
        "function_name": "covalent-electron",
        "queue_name": "covalent",
        "retries": 3,
        "time_limit": 300,
        "poll_freq": 5,
    }
    required: ClassVar[Mapping[str, Any]] = CALL
    example: ClassVar[Mapping[str, Any]] = {**CALL, "credentials": ARN, "function_name": "mine"}
    positional = ("project_id", "region", "function_name", "queue_name", "service_account_email")
    misspelt: ClassVar[Mapping[str, str]] = {"queue": "queue_name", "function": "function_name"}
    refused = (
        ({"project_id": None}, "pattern"),
        ({"service_account_email": None}, "at least 1"),
        ({"function_name": "a/b"}, "pattern"),
        ({"time_limit": 1801}, "1800"),
    )
    secrets = ("credentials",)
    literals: ClassVar[Mapping[str, Any]] = {**CALL, "credentials": '{"private_key": "SECRET"}'}
