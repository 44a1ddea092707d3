"""What CloudWatch counts of tries: lines in its embedded format, on Lambda alone."""

import json
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from covalent_control_plane import telemetry
from covalent_runner import metrics
from covalent_runner.errors import ElectronFailed

from .conftest import DISPATCH_ID, Dispatch

Text = Annotated[str, Field(min_length=1, max_length=1024)]


class Strict(BaseModel):
    """CloudWatch's own rules for the format: what they do not know is not allowed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Metric(Strict):
    Name: Text
    Unit: Literal["Seconds", "Milliseconds", "Count"]


class Directive(Strict):
    Namespace: Text
    Dimensions: Annotated[list[Annotated[list[Text], Field(max_length=30)]], Field(min_length=1)]
    Metrics: Annotated[list[Metric], Field(max_length=100)]


class Metadata(Strict):
    Timestamp: Annotated[int, Field(ge=0)]
    CloudWatchMetrics: Annotated[list[Directive], Field(min_length=1)]


def checked(text: str) -> dict[str, Any]:
    """The document of a line, once it is as CloudWatch wants it: each dimension a string, each metric a number."""
    assert "\n" not in text
    document: dict[str, Any] = json.loads(text)
    for directive in Metadata.model_validate(document["_aws"]).CloudWatchMetrics:
        for dimension in (name for names in directive.Dimensions for name in names):
            assert isinstance(document[dimension], str)
        for metric in directive.Metrics:
            assert isinstance(document[metric.Name], int | float)
    return document


@given(
    values=st.dictionaries(
        st.sampled_from(sorted(metrics.METRICS)),
        st.floats(0, 1e6, allow_nan=False),
        min_size=1,
    ),
    ended=st.integers(0, 2**53),
    status=st.sampled_from(["COMPLETED", "FAILED", "RETRIED"]),
)
def test_a_line_is_as_cloudwatch_wants_it(
    values: dict[str, float], ended: int, status: str
) -> None:
    document = checked(metrics.line("lab-runner", DISPATCH_ID, ended, status, values))
    named = {
        metric["Name"]: directive["Dimensions"]
        for directive in document["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }
    assert named == {name: [["service", *metrics.METRICS[name]]] for name in values}
    assert document["_aws"]["Timestamp"] == ended // 1000


@pytest.fixture
def on_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_TASK_ROOT", "/var/task")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "lab-python-runner-py312")


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [checked(text) for text in capfd.readouterr().out.splitlines()]


def chatty() -> int:
    print("what an electron prints")
    return 1


def plus(value: int) -> int:
    return value + 1


def broken() -> None:
    raise RuntimeError


@pytest.mark.usefixtures("on_lambda")
def test_each_try_is_told_once(dispatch: Dispatch, capfd: pytest.CaptureFixture[str]) -> None:
    dispatch.add(0, chatty)
    dispatch.add(1, plus, args=(0,), inputs=(0,))
    for node in (0, 1, 1):  # the second delivery runs nothing
        dispatch.run(node)
    first, second = lines(capfd)
    assert first["service"] == "lab-python-runner"
    assert first["correlation_id"] == DISPATCH_ID
    assert "ElectronQueueSeconds" not in first
    assert second["status"] == "COMPLETED"
    assert 0 <= second["ElectronQueueSeconds"] < 60
    assert 0 <= second["ElectronRunSeconds"] < 60
    assert dispatch.item(0)["stdout"] == "what an electron prints\n"


@pytest.mark.usefixtures("on_lambda")
def test_the_wait_is_from_the_end_of_the_last_input(
    dispatch: Dispatch, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10**9, 1_000_000))
    monkeypatch.setattr("covalent_contracts.clock.now", lambda: next(clock))
    dispatch.add(0, chatty)
    dispatch.add(1, plus, args=(0,), inputs=(0,))
    dispatch.run(0)
    ended = int(dispatch.item(0)["ended"])
    dispatch.run(1)
    _, told = lines(capfd)
    started = int(dispatch.item(1)["started"])
    assert 0 < told["ElectronQueueSeconds"] <= (started - ended) / 1_000_000


@pytest.mark.usefixtures("on_lambda")
def test_tries_that_fail_tell_whether_another_follows(
    dispatch: Dispatch, capfd: pytest.CaptureFixture[str]
) -> None:
    dispatch.add(0, broken, retries=1)
    for attempt in range(2):
        with pytest.raises(ElectronFailed):
            dispatch.run(0, attempt)
    assert [each["status"] for each in lines(capfd)] == ["RETRIED", "FAILED"]


def test_elsewhere_nothing_is_written(
    dispatch: Dispatch, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAMBDA_TASK_ROOT", raising=False)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "lab-runner-py312")
    dispatch.call(chatty)
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("on_lambda")
def test_an_output_that_is_gone_fails_nothing(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed:
        def write(self, _: str) -> None:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    assert dispatch.call(chatty) == 1


def test_no_name_means_two_things() -> None:
    assert not metrics.METRICS.keys() & telemetry.METRICS.keys()
    assert metrics.NAMESPACE == telemetry.NAMESPACE
