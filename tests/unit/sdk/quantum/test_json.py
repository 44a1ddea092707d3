"""Quantum executors as JSON: whatever their settings are, they come back."""

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.sdk.quantum.doubles import Echo

from covalent._quantum.amazon.sessions import Parameters
from covalent._quantum.cluster import QCluster
from covalent._quantum.executors.base import BaseQExecutor
from covalent.executor import (
    BraketQubitExecutor,
    IBMQExecutor,
    LocalBraketQubitExecutor,
    QiskitExecutor,
    Simulator,
)

TEXT = st.text(max_size=8)
COUNTS = st.integers(1, 10**20)
SHOTS = st.none() | st.integers(0, 10**20)
NOT_NEGATIVE = st.floats(0, allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)
OF_ALL: dict[str, Any] = {
    "persist_data": st.booleans(),
    "qnode_device_import_path": st.none() | st.tuples(TEXT, TEXT),
    "qnode_device_shots": st.none() | COUNTS,
    "qnode_device_wires": st.none() | COUNTS,
    "pennylane_active_return": st.none() | st.booleans(),
    "a_field_of_ones_own": VALUES,
}
IBM = dict.fromkeys(("backend", "hub", "group", "project"), TEXT)
LEVELS = st.fixed_dictionaries(
    {},
    optional={
        "optimization_level": st.integers(0, 3),
        "resilience_level": st.integers(0, 1),
        "default_shots": COUNTS,
        "simulator": st.fixed_dictionaries({}, optional={"seed_simulator": st.integers()}),
        "experimental": st.dictionaries(TEXT, VALUES, max_size=2),
    },
)
KEYWORDS = st.dictionaries(TEXT, VALUES, max_size=2)
FIELDS: dict[type[BaseQExecutor], dict[str, Any]] = {
    Simulator: {
        "device": TEXT,
        "parallel": st.booleans() | st.sampled_from(["thread", "process", "true", "1"]),
        "workers": COUNTS,
        "shots": SHOTS,
    },
    QiskitExecutor: {
        **IBM,
        "device": st.sampled_from(["sampler", "local_sampler"]),
        "shots": SHOTS,
        "single_job": st.booleans(),
        "local_transpile": st.booleans(),
        "max_time": st.none() | COUNTS | st.sampled_from(["2h 30m 40s", "90", "5 m"]),
        "ibmqx_url": st.none() | TEXT,
        "channel": st.sampled_from(["ibm_quantum", "ibm_quantum_platform", "ibm_cloud", "local"]),
        "instance": TEXT,
        "cloud_instance": TEXT,
        "options": LEVELS,
    },
    IBMQExecutor: {
        **IBM,
        "device": TEXT,
        "num_threads": COUNTS,
        "max_jobs": COUNTS,
        "shots": SHOTS,
    },
    BraketQubitExecutor: {
        "device": TEXT,
        "num_threads": COUNTS,
        "max_jobs": COUNTS,
        "shots": SHOTS | st.just((None,)),
        "device_arn": st.none() | TEXT,
        "poll_timeout_seconds": NOT_NEGATIVE,
        "poll_interval_seconds": NOT_NEGATIVE,
        "aws_session": st.none()
        | TEXT
        | st.builds(Parameters, st.none() | TEXT, st.none() | TEXT, st.none() | TEXT),
        "parallel": st.booleans(),
        "max_parallel": st.none() | COUNTS,
        "max_connections": COUNTS,
        "max_retries": st.integers(0, 9),
        "s3_destination_folder": st.just(()) | st.tuples(*[st.text(min_size=1, max_size=8)] * 2),
        "run_kwargs": KEYWORDS,
    },
    LocalBraketQubitExecutor: {
        "device": st.sampled_from(["default.qubit", "default", "braket_dm"]),
        "num_processes": COUNTS,
        "max_jobs": COUNTS,
        "shots": SHOTS,
        "backend": st.sampled_from(["default", "braket_sv"]),
        "run_kwargs": KEYWORDS,
    },
}
NOT_IN_JSON = {"ibmqx_token", "name"}


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))


def made(kind: type[BaseQExecutor]) -> st.SearchStrategy[BaseQExecutor]:
    """Executors of a class, with some of its fields."""
    fields = st.fixed_dictionaries({}, optional={**OF_ALL, **FIELDS[kind]})
    return fields.map(lambda some: kind(**some))


EXECUTORS = st.one_of(*map(made, FIELDS))
CLUSTERS = st.recursive(
    EXECUTORS,
    lambda inner: st.builds(
        QCluster,
        executors=st.lists(inner, min_size=1, max_size=3),
        selector=st.sampled_from(["cyclic", "random"]),
        device=TEXT,
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("kind", FIELDS)
def test_each_field_is_tried(kind: type[BaseQExecutor]) -> None:
    assert {*kind.model_fields} == {*OF_ALL, *FIELDS[kind]} - {"a_field_of_ones_own"} | (
        {*kind.model_fields} & NOT_IN_JSON
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(EXECUTORS)
def test_an_executor_comes_back(executor: BaseQExecutor) -> None:
    again = type(executor).model_validate_json(executor.model_dump_json())

    assert again == executor
    assert again.model_dump() == executor.model_dump()
    assert again.json_text() == executor.json_text()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(CLUSTERS, min_size=1, max_size=3).map(lambda inner: QCluster(executors=inner)))
def test_a_cluster_comes_back_with_its_executors(cluster: QCluster) -> None:
    again = QCluster.model_validate_json(cluster.model_dump_json())

    assert again.model_dump() == cluster.model_dump()
    assert [type(each) for each in again.executors] == [type(each) for each in cluster.executors]
    assert again.json_text() == cluster.json_text()


def test_a_session_comes_back_without_credentials() -> None:
    boto = SimpleNamespace(profile_name="work", available_profiles=["work"], secret="wJalr")
    session = SimpleNamespace(boto_session=boto, region="eu-west-2")

    text = BraketQubitExecutor(aws_session=session).model_dump_json()
    assert "wJalr" not in text
    found = BraketQubitExecutor.model_validate_json(text).aws_session
    assert found == Parameters(profile="work", region="eu-west-2")


def test_a_device_that_names_a_back_end_still_does() -> None:
    again = LocalBraketQubitExecutor.model_validate_json(
        LocalBraketQubitExecutor(device="braket_dm").model_dump_json()
    )
    assert again.device_init_kwargs == {"backend": "braket_dm"}


def test_a_selector_comes_back() -> None:
    executors = [Echo(label="a"), Echo(label="b")]
    cluster = QCluster(executors=executors, selector=lambda circuit, _: executors[circuit])

    again = QCluster.model_validate_json(cluster.model_dump_json())
    assert callable(cluster.selector), "it has not been changed"
    assert again.choose([1, 0]) == [again.executors[1], again.executors[0]]
    assert [each.label for each in again.choose([1, 0])] == ["b", "a"]  # type: ignore[attr-defined]  # of Echo


def test_a_token_is_in_no_json() -> None:
    secret = base64.b64encode(b"abc").decode()
    own: dict[str, Any] = {"another_token": "def-456"}
    executor = QiskitExecutor(ibmqx_token=secret, **own)
    for text in (executor.model_dump_json(), QCluster(executors=[executor]).model_dump_json()):
        assert secret not in text
        assert "def-456" not in text
    assert QiskitExecutor.model_validate_json(executor.model_dump_json()).ibmqx_token == ""


@pytest.mark.parametrize("name", ["NoSuchExecutor", "LocalExecutor", None])
def test_an_executor_whose_class_is_not_here(name: str | None) -> None:
    text = json.dumps({"executors": [{"name": name}]})
    with pytest.raises(
        ValueError, match=r"executors.*\n.*import the module that defines its class"
    ):
        QCluster.model_validate_json(text)
