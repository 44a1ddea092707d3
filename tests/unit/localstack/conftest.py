"""An embedded AWS with handlers of our own, and moto as it comes from the shelf."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from covalent_localstack.stack import EmbeddedAws

TOKEN = "local-test-token"
HANDLERS = """
import os, time
from pathlib import Path

def echo(event, context):
    return {"event": event, "pid": os.getpid(), "name": context.function_name}

def fail(event, context):
    raise ValueError("no such luck")

def leave(event, context):
    os._exit(3)

def hang(event, context):
    Path(event["started"]).write_text(str(os.getpid()))
    time.sleep(60)

def flaky(event, context):
    if event["attempt"] < 2:
        raise RuntimeError("try again")
    return event["attempt"]

def token(event, context):
    Path(event["path"]).write_text(event["token"])
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """A running stack with one function per handler above.

    It changes the environment of this process, so it must be gone before tests of other packages run.
    """
    folder = tmp_path_factory.mktemp("aws")
    (folder / "handlers_of_test.py").write_text(HANDLERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=":")
        with EmbeddedAws(folder / "data", workers=2, token=TOKEN) as stack:
            from covalent_localstack import bootstrap

            for name in ("echo", "fail", "leave", "hang", "flaky", "token"):
                bootstrap._function(bootstrap.Function(name, f"handlers_of_test.{name}", 30))
            yield stack


@pytest.fixture(scope="module")
def client(aws: EmbeddedAws) -> Callable[[str], Any]:
    """Makes boto3 clients of the stack."""
    import boto3

    make: Any = boto3.client
    return lambda service: make(service, endpoint_url=aws.address)


Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def run(client: Callable[[str], Any]) -> Run:
    """Run a machine to its end and describe the execution."""
    states = client("stepfunctions")

    def execute(definition: dict[str, Any], event: dict[str, Any] | None = None) -> dict[str, Any]:
        import uuid

        name = f"m{uuid.uuid4().hex[:12]}"
        role = "arn:aws:iam::123456789012:role/covalent-machine"
        machine = states.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=role
        )["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps(event or {}))
        return wait_for_end(states, execution["executionArn"])

    return execute


def wait_for_end(states: Any, execution: str) -> dict[str, Any]:
    """Describe an execution that has ended."""
    import time

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found: dict[str, Any] = states.describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.01)
    raise AssertionError("the execution did not end")


def task(function: str, **fields: Any) -> dict[str, Any]:
    """A task as the compiler writes it."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": function,
            "Payload": {"node": 1, "attempt.$": "$$.State.RetryCount"},
        },
        "ResultPath": None,
        **fields,
    }


@pytest.fixture(scope="session")
def make_task() -> Callable[..., dict[str, Any]]:
    """`task`, for test modules, which cannot import from here."""
    return task
