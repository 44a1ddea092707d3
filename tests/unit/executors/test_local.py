from collections.abc import Mapping
from typing import Any, ClassVar

from tests.unit.executors.contract import ExecutorContract

from covalent.executor import LocalExecutor


class TestLocal(ExecutorContract):
    executor = LocalExecutor
    defaults: ClassVar[Mapping[str, Any]] = {
        "log_stdout": "stdout.log",
        "log_stderr": "stderr.log",
        "time_limit": -1,
        "retries": 0,
    }
    positional = ("log_stdout", "log_stderr")
    misspelt: ClassVar[Mapping[str, str]] = {
        "retires": "retries",
        "timelimit": "time_limit",
        "log_stdot": "log_stdout",
    }
    refused = (({"retries": 1.5}, "integer"), ({"time_limit": None}, "number"))
