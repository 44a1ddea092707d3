"""Quantum executors as settings: fields, defaults, the configuration file; no PennyLane is needed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import covalent as ct
from covalent._quantum.executors.base import (
    AsyncBaseQExecutor,
    BaseProcessPoolQExecutor,
    BaseQExecutor,
    BaseThreadPoolQExecutor,
)
from covalent._quantum.executors.configured import configured
from covalent._quantum.executors.simulator import Simulator
from covalent._shared_files.exceptions import MissingExtra

_OF_ALL = {
    "persist_data": True,
    "qnode_device_import_path": None,
    "qnode_device_shots": None,
    "qnode_device_wires": None,
    "pennylane_active_return": None,
}


def defaults(kind: type[BaseQExecutor]) -> dict[str, Any]:
    return {name: field.get_default() for name, field in kind.model_fields.items()}


def test_the_fields_of_simulator() -> None:
    own = {"device": "default.qubit", "parallel": "thread", "workers": 10, "shots": 0}
    assert defaults(Simulator) == {**_OF_ALL, **own}


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        (BaseQExecutor, {}),
        (BaseThreadPoolQExecutor, {"device": "default.qubit", "num_threads": 10}),
        (BaseProcessPoolQExecutor, {"device": "default.qubit", "num_processes": 10}),
        (AsyncBaseQExecutor, {"device": "default.qubit"}),
    ],
)
def test_the_fields_of_the_bases(kind: type[BaseQExecutor], own: dict[str, Any]) -> None:
    assert defaults(kind) == {**_OF_ALL, **own}


def test_the_name_is_that_of_the_class() -> None:
    assert Simulator().name == "Simulator"
    assert Simulator(name="other").name == "Simulator"  # type: ignore[call-arg]  # extra fields are allowed


def test_extra_fields_are_kept() -> None:
    made = Simulator(note="mine")  # type: ignore[call-arg]  # extra fields are allowed
    assert made.model_dump()["note"] == "mine"


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"shots": -1}, {"workers": "many"}])
def test_what_a_simulator_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Simulator(**wrong)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))


@pytest.mark.usefixtures("config")
def test_defaults_come_from_the_configuration_when_an_executor_is_made() -> None:
    class Mine(Simulator):
        backend: str = configured("Mine", "backend", "none")

    assert Mine().backend == "none"
    ct.set_config("qelectron.Mine.backend", "ibm_torino")
    assert Mine().backend == "ibm_torino"
    assert Mine(backend="other").backend == "other"


@pytest.mark.usefixtures("config")
def test_the_sections_of_the_reference() -> None:
    sections = ct.get_config("qelectron")
    assert sections["QiskitExecutor"] == {
        "device": "local_sampler",
        "backend": "ibmq_qasm_simulator",
        "ibmqx_token": "",
        "hub": "ibm-q",
        "group": "open",
        "project": "main",
        "options": {"optimization_level": 3, "resilience_level": 1},
    }
    assert set(sections["IBMQExecutor"]) == {"backend", "ibmqx_token", "hub", "group", "project"}
    assert sections["BraketQubitExecutor"] == {"s3_destination_folder": []}
    assert sections["LocalBraketQubitExecutor"] == {"backend": "default"}


_PROBE = """
import sys
import covalent as ct
ct.qelectron, ct.executor.QCluster(executors=[ct.executor.Simulator()])
print(*sorted({"pennylane", "qiskit", "braket", "jax", "torch", "numpy"} & set(sys.modules)))
"""


def test_executors_are_made_without_a_quantum_package() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == []


@pytest.mark.parametrize(
    ("executors", "match"),
    [
        ([], "executors is empty: a qelectron needs"),
        ((), "executors is empty: a qelectron needs"),
        ("Simulator", "not a quantum executor"),
        ([Simulator(), "local"], "'local' is a str, not a quantum executor"),
        (3, "not a quantum executor"),
        (Simulator, "not a quantum executor"),
        (ct.executor.LocalExecutor(), "LocalExecutor, not a quantum executor"),
    ],
)
def test_invalid_executors_are_refused(executors: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ct.qelectron(executors=executors)


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pennylane", None)
    with pytest.raises(MissingExtra, match=r"pip install 'covalent-serverless\[quantum\]'"):
        ct.qelectron(lambda x: x)
