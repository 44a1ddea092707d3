from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from tests.unit.executors.contract import PYTHON, ExecutorContract

from covalent.executor import DaskExecutor
from covalent_executors import registry
from covalent_executors.own.template import MARGIN
from covalent_executors.place import Place

BUILDERS = Place({"3.11": "runner-311"}, builders={"3.11": "builder-311"})


class TestDask(ExecutorContract):
    """With a cluster; the runner keeps the time itself, the state only ends what does not end."""

    executor = DaskExecutor
    defaults: ClassVar[Mapping[str, Any]] = {
        "scheduler_address": "",
        "log_stdout": "stdout.log",
        "log_stderr": "stderr.log",
        "conda_env": "",
        "current_env_on_conda_fail": False,
        "time_limit": -1,
        "retries": 0,
    }
    example: ClassVar[Mapping[str, Any]] = {"scheduler_address": "tcp://127.0.0.1:55564"}
    positional = ("scheduler_address", "log_stdout", "log_stderr", "conda_env")
    misspelt: ClassVar[Mapping[str, str]] = {
        "retires": "retries",
        "scheduler_adress": "scheduler_address",
    }
    refused = (
        ({"conda_env": "mine"}, "environment of the workers"),
        ({"retries": 1.5}, "integer"),
    )
    place = BUILDERS

    def time_limit_of(self, state: Mapping[str, Any]) -> float:
        return float(state["TimeoutSeconds"]) - MARGIN

    def test_it_runs_where_the_sdk_is_if_it_has_a_cluster(self) -> None:
        assert self.task(**self.example).parameters["FunctionName"] == "builder-311"
        assert self.task().parameters["FunctionName"] == "runner-311"

    def test_another_environment_is_accepted_if_that_of_the_workers_will_do(self) -> None:
        self.task(conda_env="mine", current_env_on_conda_fail=True)

    def test_without_a_cluster_it_is_as_a_local_one(self) -> None:
        local = registry.task("local", {"time_limit": 3, "retries": 2}, BUILDERS, PYTHON)
        assert self.task(time_limit=3, retries=2) == local


@pytest.mark.parametrize("limit", [0, -1, 2.5])
def test_an_executor_of_the_users_own(limit: float) -> None:
    given = {"short_name": "mine", "type": "Mine", "time_limit": limit, "retries": 3}
    task = registry.task("own", given, BUILDERS, PYTHON)
    assert task.parameters["FunctionName"] == "builder-311"
    assert (task.time_limit, task.retries) == (max(limit, 0), 3)
    assert task.timeout == (limit + MARGIN if limit > 0 else 0)
