"""What is measured when a dispatch ends."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.unit.control_plane.conftest import EVENTS, Dispatched, manifest, table

from covalent_contracts import records
from covalent_control_plane import application, finish, outcomes, store, telemetry
from covalent_control_plane.outcomes import cause

Written = list[tuple[str, float, dict[str, str]]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    """What would be written as metrics."""
    found: Written = []

    def write(metric: str, unit: Any, value: float, dimensions: dict[str, str]) -> None:
        assert set(dimensions) == set(telemetry.METRICS[metric])
        found.append((metric, value, dict(dimensions)))

    monkeypatch.setattr(telemetry, "_write", write)
    return found


def _finish(identifier: str, status: str = "SUCCEEDED") -> None:
    event = json.loads((EVENTS / "eventbridge" / "finish.json").read_text())
    item = store.find(identifier)
    assert item is not None
    arn = f"arn:aws:states:eu-west-1:1:stateMachine:{item.machine}"
    event["detail"] |= {"name": identifier, "status": status, "stateMachineArn": arn}
    application.finish(event, None)


def _record(identifier: str, node: int, status: str, error: str | None = None) -> None:
    item = {"pk": records.dispatch_pk(identifier), "sk": records.node_sk(node), "status": status}
    table().put_item(Item=item | ({"error": error} if error else {}))


def _electrons(written: Written) -> dict[tuple[str, str], float]:
    return {
        (dimensions["executor"], dimensions["status"]): value
        for metric, value, dimensions in written
        if metric == "ElectronsFinished"
    }


def test_a_completed_dispatch_counts_its_electrons_without_reading_their_records(
    dispatched: Dispatched, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = dispatched()
    for read in ("outcomes", "nodes_in", "nodes"):
        monkeypatch.setattr(store, read, None)
    monkeypatch.setattr(finish, "manifests", None)
    _finish(identifier)
    assert _electrons(written) == {("local", "COMPLETED"): 3}
    assert ("DispatchesFinished", 1, {"status": "COMPLETED"}) in written
    (run,) = [value for metric, value, _ in written if metric == "DispatchRunSeconds"]
    (queue,) = [value for metric, value, _ in written if metric == "DispatchQueueSeconds"]
    assert 0 <= run < 3600
    assert 0 <= queue < 3600


def test_a_failed_dispatch_counts_what_became_of_each_electron(
    dispatched: Dispatched, written: Written
) -> None:
    document = manifest()
    document["executors"]["y"] = {"name": "dask", "attributes": {}}
    document["nodes"][4]["executor"] = "y"
    identifier = dispatched(**document)
    _record(identifier, 1, "COMPLETED")
    _record(identifier, 2, "FAILED", "Traceback (most recent call last):\nKeyError: 'x'")
    _record(identifier, 9, "FAILED", "of no node of the manifest")
    _finish(identifier, "FAILED")
    assert _electrons(written) == {
        ("local", "COMPLETED"): 1,
        ("local", "FAILED"): 1,
        ("dask", "NEW_OBJECT"): 1,
    }
    assert ("ElectronFailures", 1, {"cause": "error"}) in written


def test_a_running_electron_failed_with_its_execution(
    dispatched: Dispatched, written: Written
) -> None:
    identifier = dispatched()
    _record(identifier, 1, "RUNNING")
    _finish(identifier, "TIMED_OUT")
    assert ("ElectronFailures", 1, {"cause": "execution"}) in written


def test_a_dispatch_is_counted_once(dispatched: Dispatched, written: Written) -> None:
    identifier = dispatched()
    _finish(identifier)
    _finish(identifier)
    assert [metric for metric, _, _ in written].count("DispatchesFinished") == 1


@pytest.mark.parametrize(
    ("error", "named"),
    [
        ("Traceback (most recent call last):\n...\nValueError: States.Timeout: no", "error"),
        ("KeyError: 'x'", "error"),
        ("", "error"),
        ("States.Timeout: electron 2 did not end within its time limit of 3 s", "time_limit"),
        ("Sandbox.Timedout: electron 2 did not end within its time limit", "time_limit"),
        ("Runtime.OutOfMemory: RequestId: x Error: Runtime exited", "worker"),
        ("Runtime.ExitError: RequestId: x", "worker"),
        ("the electron's process was lost", "worker"),
        ("Lambda.TooManyRequestsException: Rate Exceeded.", "service"),
        ("Batch.ClientException: Job queue nowhere does not exist", "service"),
        ("ECS.ClusterNotFoundException: Cluster not found.", "service"),
        ("States.DataLimitExceeded: x", "service"),
        ("The execution ended ABORTED", "execution"),
        ("the execution ended before the task did", "execution"),
    ],
)
def test_failures_are_told_apart_by_their_cause(error: str, named: str) -> None:
    assert cause(error) == named


def test_causes_are_few() -> None:
    assert len({name for name, _ in outcomes._CAUSES} | {"error"}) == 5


def test_on_lambda_a_metric_names_the_deployment() -> None:
    code = (
        "from covalent_control_plane import telemetry as t\n"
        "t.count('ElectronsFinished', 7, executor='local', status='COMPLETED')\n"
        "t.took('DispatchRunSeconds', 1_500_000, status='COMPLETED')\n"
        "t.took('DispatchQueueSeconds', -5)\n"
    )
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment |= {"LAMBDA_TASK_ROOT": "/var/task", "COVALENT_PREFIX": "lab"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    electrons, ran, queued = (json.loads(line) for line in run.stdout.splitlines())
    assert (electrons["ElectronsFinished"], electrons["service"]) == ([7.0], "lab-control-plane")
    (directive,) = electrons["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == telemetry.NAMESPACE
    assert sorted(directive["Dimensions"][0]) == ["executor", "service", "status"]
    (told,) = ran["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    assert (ran["DispatchRunSeconds"], told["Unit"]) == ([1.5], "Seconds")
    assert queued["DispatchQueueSeconds"] == [0.0]


def test_a_metric_without_its_dimensions_is_a_defect() -> None:
    with pytest.raises(ValueError, match="DispatchesFinished"):
        telemetry.count("DispatchesFinished")
