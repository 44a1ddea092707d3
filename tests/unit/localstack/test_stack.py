"""Starting and stopping, and who is told about it."""

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from covalent_localstack.stack import EmbeddedAws

HANDLER = """
import time
from pathlib import Path

def hang(event, context):
    Path(event["started"]).touch()
    time.sleep(60)
"""


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stop_with_running_executions_is_quiet(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    make_task: Callable[..., dict[str, Any]],
) -> None:
    (tmp_path / "handlers_that_hang.py").write_text(HANDLER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    started = tmp_path / "started"
    payload = {"FunctionName": "hang", "Payload": {"started": str(started)}}
    definition = {
        "StartAt": "a",
        "States": {"a": {**make_task("hang"), "Parameters": payload, "End": True}},
    }
    stack = EmbeddedAws(tmp_path / "data", workers=1, token="local-test-token")
    with caplog.at_level(logging.WARNING), stack:
        from covalent_localstack import bootstrap

        bootstrap._function(bootstrap.Function("hang", "handlers_that_hang.hang", 30))
        states = boto3.session.Session().client("stepfunctions", endpoint_url=stack.address)
        machine = states.create_state_machine(
            name="m",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::123456789012:role/covalent-machine",
        )["stateMachineArn"]
        states.start_execution(stateMachineArn=machine)
        wait_for(started)
        ended = _threads_of_executions()
    assert ended
    for thread in ended:
        thread.join(10)
        assert not thread.is_alive()
    assert not caplog.records


def _threads_of_executions() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if "_execution_logic" in each.name]


def test_what_ran_is_told_apart_from_what_runs_now(tmp_path: Path) -> None:
    for round_ in range(2):
        with EmbeddedAws(tmp_path / str(round_), workers=1, token=f"token-{round_}") as stack:
            tables = boto3.session.Session().client("dynamodb", endpoint_url=stack.address)
            key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
            assert "Item" not in tables.get_item(TableName="covalent", Key=key)
            tables.put_item(TableName="covalent", Item=key)
