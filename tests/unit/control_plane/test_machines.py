from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from covalent_contracts import keys
from covalent_contracts.ids import new_dispatch_id
from covalent_control_plane import machines, objects
from covalent_control_plane.aws import Aws

MACHINE = "covalent-0a1b"
ID = new_dispatch_id()
STARTED = {"executionArn": "arn:aws:states:eu-west-1:1:execution:m:n", "startDate": 0}
CREATED = {"stateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:m", "creationDate": 0}


@pytest.fixture
def states(aws: Aws) -> Iterator[Stubber]:
    """Step Functions, saying what a test tells it to say."""
    objects.write(aws, {keys.machines(ID): b'[["covalent-0a1b", "{}"]]'})
    with Stubber(aws.states) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def _start(aws: Aws) -> list[float]:
    slept: list[float] = []
    machines.start(aws, MACHINE, ID, sleep=slept.append)
    return slept


def _no_machine(states: Stubber) -> None:
    states.add_client_error("start_execution", "StateMachineDoesNotExist")


def test_a_known_shape_costs_one_call(aws: Aws, states: Stubber) -> None:
    expected = {
        "stateMachineArn": f"arn:aws:states:eu-west-1:123456789012:stateMachine:{MACHINE}",
        "name": ID,
        "input": f'{{"dispatch_id":"{ID}"}}',
    }
    states.add_response("start_execution", STARTED, expected)
    assert _start(aws) == []


def test_an_execution_that_exists_is_the_same_one(aws: Aws, states: Stubber) -> None:
    states.add_client_error("start_execution", "ExecutionAlreadyExists")
    assert _start(aws) == []


def test_a_machine_that_is_not_seen_yet_is_waited_for(aws: Aws, states: Stubber) -> None:
    _no_machine(states)
    states.add_response("create_state_machine", CREATED)
    for _ in range(3):
        _no_machine(states)
    states.add_response("start_execution", STARTED)
    assert _start(aws) == list(machines.WAITS[:4])


def test_a_machine_with_other_settings_is_used(aws: Aws, states: Stubber) -> None:
    _no_machine(states)
    states.add_client_error("create_state_machine", "StateMachineAlreadyExists")
    states.add_response("start_execution", STARTED)
    _start(aws)


def test_a_machine_that_is_being_deleted_is_made_again(aws: Aws, states: Stubber) -> None:
    states.add_client_error("start_execution", "StateMachineDeleting")
    states.add_client_error("create_state_machine", "StateMachineDeleting")
    _no_machine(states)
    states.add_response("create_state_machine", CREATED)
    states.add_response("start_execution", STARTED)
    _start(aws)


def test_a_machine_that_never_comes_is_given_up(aws: Aws, states: Stubber) -> None:
    _no_machine(states)
    states.add_response("create_state_machine", CREATED)
    for _ in range(len(machines.WAITS) + 1):
        _no_machine(states)
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        _start(aws)


@pytest.mark.parametrize("call", ["start_execution", "create_state_machine"])
def test_a_refusal_is_not_retried(aws: Aws, states: Any, call: str) -> None:
    if call != "start_execution":
        _no_machine(states)
    states.add_client_error(call, "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        _start(aws)
