from collections.abc import Mapping
from typing import Any, ClassVar

from tests.unit.executors.elsewhere import ARN, ElsewhereContract

from covalent.executor import AzureFunctionsExecutor

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
    literals: ClassVar[Mapping[str, Any]] = {"function_app_url": APP, "system_key": "s3cret=="}
