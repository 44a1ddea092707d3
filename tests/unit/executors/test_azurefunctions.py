from collections.abc import Mapping
from typing import Any, ClassVar

from tests.unit.executors.elsewhere import ARN, ElsewhereContract

from covalent.executor import AzureFunctionsExecutor
from covalent_executors.adapter import State
from covalent_executors.azurefunctions.adapter import sighting

APP = "https://my-app.azurewebsites.net"


class TestAzureFunctions(ElsewhereContract):
    executor = AzureFunctionsExecutor
    defaults: ClassVar[Mapping[str, Any]] = {"retries": 3, "time_limit": 300, "poll_freq": 5}
    required: ClassVar[Mapping[str, Any]] = {"function_app_url": APP, "system_key": ARN}
    example: ClassVar[Mapping[str, Any]] = {"function_app_url": APP, "system_key": ARN}
    positional = ("function_app_url", "system_key", "retries", "time_limit", "poll_freq")
    misspelt: ClassVar[Mapping[str, str]] = {
        "function_url": "function_app_url",
        "sytem_key": "system_key",
    }
    refused = (
        ({"function_app_url": None}, "pattern"),
        ({"function_app_url": "http://my-app.azurewebsites.net"}, "https://"),
        ({"function_app_url": f"{APP}/api/run"}, "pattern"),
        ({"system_key": None}, "at least 1"),
    )
    secrets = ("system_key",)
    native_states: ClassVar[Mapping[Any, Any]] = {
        "Pending": State.PENDING,
        "Suspended": State.PENDING,
        "Running": State.RUNNING,
        "ContinuedAsNew": State.RUNNING,
        "Completed": State.ENDED,
        "Failed": State.ENDED,
        "Terminated": State.ENDED,
        "Canceled": State.ENDED,
    }
    literals: ClassVar[Mapping[str, Any]] = {"function_app_url": APP, "system_key": "s3cret=="}

    def read(self, native: Any) -> Any:
        return sighting({"runtimeStatus": native}).state
