"""Defaults that the configuration file has: checked as what users give, and the error says where they stand."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import covalent as ct
from covalent._quantum.ibm.secret import Token
from covalent._shared_files.exceptions import InvalidConfig
from covalent.executor import BraketQubitExecutor, IBMQExecutor, QiskitExecutor


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of the test's own."""
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("entry", "value", "told"),
    [
        ("QiskitExecutor.device", "samplr", "did you mean 'sampler'"),
        ("QiskitExecutor.options.optimisation_level", 2, "optimization_level"),
        ("QiskitExecutor.options", "fast", "options must be a dictionary"),
        ("QiskitExecutor.ibmqx_token", 12345, "valid string"),
        ("IBMQExecutor.backend", 7, "valid string"),
        ("BraketQubitExecutor.s3_destination_folder", ["bucket"], "a bucket and a folder"),
        ("BraketQubitExecutor.s3_destination_folder", "bu", "valid tuple"),
        ("LocalBraketQubitExecutor.backend", ["braket_sv"], "valid string"),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(
    folder: Path, entry: str, value: Any, told: str
) -> None:
    ct.set_config(f"qelectron.{entry}", value)
    section, field = entry.split(".")[:2]

    with pytest.raises(InvalidConfig, match=told) as caught:
        getattr(ct.executor, section)()

    text = str(caught.value)
    assert str(folder / "covalent.conf") in text
    assert f"[qelectron.{section}] {field}" in text
    assert "12345" not in text


@pytest.mark.parametrize("entry", ["qelectron", "qelectron.IBMQExecutor"])
def test_what_should_be_a_section(folder: Path, entry: str) -> None:
    ct.set_config(entry, "IBMQExecutor")

    with pytest.raises(InvalidConfig, match=rf"covalent\.conf: {entry} .* section"):
        IBMQExecutor()


def test_what_is_given_takes_the_place_of_a_wrong_value() -> None:
    ct.set_config("qelectron.QiskitExecutor.device", "samplr")

    assert QiskitExecutor(device="sampler").device == "sampler"
    with pytest.raises(ValidationError, match="did you mean 'sampler'"):
        QiskitExecutor(device="smpler")


def test_each_wrong_value_is_told() -> None:
    ct.set_config({"qelectron.IBMQExecutor.hub": 1, "qelectron.IBMQExecutor.group": 2})

    with pytest.raises(InvalidConfig, match=r"\] hub: .*\] group: "):
        IBMQExecutor()


@pytest.mark.parametrize("executor", [QiskitExecutor, IBMQExecutor])
def test_a_configured_token_does_not_show(executor: Any) -> None:
    ct.set_config(f"qelectron.{executor.__name__}.ibmqx_token", "abc-123")

    made = executor()
    assert made.ibmqx_token == "abc-123"
    assert isinstance(made.ibmqx_token, Token)
    assert isinstance(pickle.loads(pickle.dumps(made)).ibmqx_token, Token)
    cluster = ct.executor.QCluster(executors=[made])
    for each in (made, cluster):
        shown = (
            repr(each),
            repr(each.model_dump()),
            each.model_dump_json(),
            repr(each.model_dump(mode="json")),
            each.json_text(),
        )
        assert not [text for text in shown if "abc-123" in text]


@pytest.mark.parametrize("executor", [QiskitExecutor, IBMQExecutor])
def test_an_executor_without_a_token_takes_that_of_where_its_circuits_run(executor: Any) -> None:
    made = executor(ibmqx_token="")
    assert made.token_here() == ""

    ct.set_config(f"qelectron.{executor.__name__}.ibmqx_token", "of-this-place")
    assert made.token_here() == "of-this-place"
    assert isinstance(made.token_here(), Token)
    assert executor(ibmqx_token="given").token_here() == "given"


def test_a_folder_is_a_bucket_and_a_folder() -> None:
    ct.set_config("qelectron.BraketQubitExecutor.s3_destination_folder", ["bucket", "folder"])

    assert BraketQubitExecutor().s3_destination_folder == ("bucket", "folder")
