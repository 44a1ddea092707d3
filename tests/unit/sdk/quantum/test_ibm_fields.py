"""QiskitExecutor and IBMQExecutor as pydantic models: they are made without Qiskit and PennyLane."""

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import covalent as ct
from covalent._quantum.executors.qiskit import QiskitExecutor
from covalent._quantum.ibm.secret import Token, without

REFERENCE: dict[str, dict[str, Any]] = {
    "QiskitExecutor": {
        "persist_data": True,
        "qnode_device_import_path": None,
        "qnode_device_shots": None,
        "qnode_device_wires": None,
        "pennylane_active_return": None,
        "device": "local_sampler",
        "backend": "ibmq_qasm_simulator",
        "ibmqx_token": "",
        "hub": "ibm-q",
        "group": "open",
        "project": "main",
        "shots": 1024,
        "single_job": False,
        "local_transpile": False,
        "max_time": None,
        "ibmqx_url": None,
        "channel": "ibm_quantum",
        "instance": "",
        "cloud_instance": "",
        "options": {"optimization_level": 3, "resilience_level": 1},
    },
    "IBMQExecutor": {
        "persist_data": True,
        "qnode_device_import_path": None,
        "qnode_device_shots": None,
        "qnode_device_wires": None,
        "pennylane_active_return": None,
        "device": "default.qubit",
        "num_threads": 10,
        "max_jobs": 20,
        "shots": 0,
        "backend": "ibmq_qasm_simulator",
        "ibmqx_token": "",
        "hub": "ibm-q",
        "group": "open",
        "project": "main",
    },
}
CLASSES = sorted(REFERENCE)


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))


def made(name: str, **fields: Any) -> Any:
    return getattr(ct.executor, name)(**fields)


@pytest.mark.parametrize("name", CLASSES)
def test_fields_and_defaults_are_those_of_the_reference(name: str) -> None:
    assert made(name).model_dump() == {**REFERENCE[name], "name": name}
    schema = type(made(name)).model_json_schema()
    assert set(schema["properties"]) == set(REFERENCE[name])
    assert "required" not in schema


@pytest.mark.parametrize("name", CLASSES)
def test_defaults_come_from_the_configuration(name: str) -> None:
    ct.set_config(f"qelectron.{name}.ibmqx_token", "from-the-file")
    ct.set_config(f"qelectron.{name}.backend", "ibm_torino")

    assert (made(name).ibmqx_token, made(name).backend) == ("from-the-file", "ibm_torino")
    assert made(name, backend="ibm_fez").backend == "ibm_fez"
    assert "from-the-file" not in repr(made(name))


def test_options_of_the_configuration_are_appended() -> None:
    ct.set_config("qelectron.QiskitExecutor.options.default_shots", 5)
    ct.set_config("qelectron.QiskitExecutor.device", "sampler")

    found = made("QiskitExecutor")
    assert found.device == "sampler"
    assert found.options == {"optimization_level": 3, "resilience_level": 1, "default_shots": 5}


@pytest.mark.parametrize("name", CLASSES)
def test_a_token_is_a_string_that_does_not_show(name: str) -> None:
    found = made(name, ibmqx_token="abc-123", another_token="def-456")

    assert isinstance(found.ibmqx_token, str)
    assert found.ibmqx_token == "abc-123"
    assert f"{found.ibmqx_token}" == "abc-123"
    for shown in (
        repr(found),
        str(found),
        repr([found]),
        repr(found.model_dump()),
        found.json_text(),
    ):
        assert "abc-123" not in shown
    assert "def-456" not in repr(found)
    assert pickle.loads(pickle.dumps(found)).ibmqx_token == "abc-123"


def test_texts_for_hashing_tell_tokens_apart() -> None:
    texts = {made("IBMQExecutor", ibmqx_token=token).json_text() for token in ("a", "b", "")}

    assert len(texts) == 3
    assert all(json.loads(text)["name"] == "IBMQExecutor" for text in texts)


def test_a_text_without_a_token() -> None:
    assert without("refused: abc", "abc") == "refused: **********"
    assert without("refused", "") == "refused"
    assert repr(Token("")) == "''"


@pytest.mark.parametrize(
    ("name", "fields", "told"),
    [
        ("QiskitExecutor", {"device": "local_sampler_"}, "did you mean 'local_sampler'"),
        ("QiskitExecutor", {"device": "default.qubit"}, "device must be one of sampler"),
        ("QiskitExecutor", {"options": {"optimisation_level": 1}}, "optimization_level"),
        ("QiskitExecutor", {"options": 3}, "options must be a dictionary"),
        ("QiskitExecutor", {"channel": "ibm"}, "channel must be one of"),
        ("QiskitExecutor", {"max_time": "soon"}, "2h 30m 40s"),
        ("QiskitExecutor", {"shots": -1}, "shots must be positive"),
        ("IBMQExecutor", {"shots": -1}, "shots must be positive"),
        ("IBMQExecutor", {"max_jobs": 0}, "max_jobs must be at least 1"),
    ],
)
def test_wrong_fields_are_refused_without_showing_the_token(
    name: str, fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        made(name, ibmqx_token="abc-123", **fields)

    assert "abc-123" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_more_fields_are_allowed() -> None:
    assert made("IBMQExecutor", instance="crn:v1:x").instance == "crn:v1:x"


def test_options_are_a_dictionary() -> None:
    given = {"optimization_level": 2, "resilience_level": 1}

    found = QiskitExecutor(options=given).options
    assert isinstance(found, dict)
    assert found == given


def test_no_quantum_package_is_loaded_to_make_them() -> None:
    program = (
        "import sys, covalent as ct; ct.executor.QiskitExecutor(); ct.executor.IBMQExecutor(); "
        "print([m for m in ('qiskit', 'pennylane', 'qiskit_ibm_runtime', 'numpy') if m in sys.modules])"
    )

    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
