import subprocess
import sys

import pytest

from covalent_contracts.errors import InvalidWorkflow, UnknownExecutor, UnsupportedPython
from covalent_executors import registry
from covalent_executors.place import Place
from covalent_executors.task import LAMBDA_ERRORS, RunnerEvent

PLACE = Place({"3.11": "runner-311", "3.9": "runner-39"})


@pytest.mark.parametrize("name", ["local", "dask", "awslambda"])
def test_the_runner_of_the_version_is_called(name: str) -> None:
    task = registry.task(name, {}, PLACE, "3.11.7")
    assert task.resource == "arn:aws:states:::lambda:invoke"
    assert task.parameters == {"FunctionName": "runner-311", "Payload": RunnerEvent()}
    assert task.transient == LAMBDA_ERRORS
    assert task.retries == 0


@pytest.mark.parametrize(
    ("name", "attributes", "limit"),
    [
        ("local", {}, 0),
        ("local", {"time_limit": -1}, 0),
        ("local", {"time_limit": 2.5}, 2.5),
        ("awslambda", {}, 900),
        ("awslambda", {"timeout": 60}, 60),
        ("awslambda", {"timeout": 60, "time_limit": 5}, 5),
        ("awslambda", {"timeout": 0}, 0),
    ],
)
def test_the_time_limit(name: str, attributes: dict[str, float], limit: float) -> None:
    assert registry.task(name, attributes, PLACE, "3.11").time_limit == limit


def test_attributes_for_others_are_ignored() -> None:
    given = {"log_stdout": "stdout.log", "cache_dir": "", "workdir": None, "retries": 2}
    assert registry.task("local", given, PLACE, "3.11").retries == 2


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("retries", -1),
        ("retries", 1.5),
        ("retries", 1001),
        ("retries", "many"),
        ("time_limit", "long"),
        ("time_limit", None),
        ("time_limit", float("inf")),
        ("time_limit", float("nan")),
        ("time_limit", 1e9),
    ],
)
def test_impossible_settings_are_refused(attribute: str, value: object) -> None:
    with pytest.raises(InvalidWorkflow, match=f"executor 'local': {attribute}: "):
        registry.task("local", {attribute: value}, PLACE, "3.11")


def test_the_error_names_the_executors_there_are() -> None:
    with pytest.raises(
        UnknownExecutor, match=r"no executor named 'slurmy'; there are .*awslambda, .*dask"
    ):
        registry.task("slurmy", {}, PLACE, "3.11")


def test_the_error_names_the_pythons_there_are() -> None:
    with pytest.raises(UnsupportedPython, match=r"3\.12 here \(there are: 3\.9, 3\.11\)"):
        PLACE.runner("3.12.4")
    with pytest.raises(UnsupportedPython, match="none"):
        Place({}).runner("3.12")


def test_an_executor_is_loaded_when_it_is_used() -> None:
    program = (
        "import sys, covalent_executors.registry\n"
        "print([m for m in sys.modules if m.startswith(('covalent_executors.local', 'boto'))])\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\n"
