from collections.abc import Iterator
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from covalent_contracts import keys
from covalent_contracts.errors import Unavailable
from covalent_contracts.ids import new_dispatch_id
from covalent_control_plane import machines, objects
from covalent_control_plane.aws import Aws
from covalent_step_functions.compiler import Machine

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
    states.add_response("create_state_machine", CREATED)
    states.add_response("start_execution", STARTED)
    _start(aws)


def test_a_machine_that_never_comes_is_given_up_for_now(aws: Aws, states: Stubber) -> None:
    _no_machine(states)
    states.add_response("create_state_machine", CREATED)
    for _ in machines.WAITS:
        _no_machine(states)
    with pytest.raises(Unavailable, match="start it again"):
        _start(aws)


def test_no_try_begins_when_the_caller_would_not_hear_of_it(aws: Aws, states: Stubber) -> None:
    _no_machine(states)
    states.add_response("create_state_machine", CREATED)
    times = iter([0.0, machines.PATIENCE + 1])
    with pytest.raises(Unavailable):
        machines.start(aws, MACHINE, ID, sleep=lambda _: None, clock=lambda: next(times))


@pytest.mark.parametrize("code", ["ThrottlingException", "ConflictException", "ServiceUnavailable"])
def test_a_creation_that_may_succeed_later_is_tried_again(
    aws: Aws, states: Stubber, code: str
) -> None:
    _no_machine(states)
    states.add_client_error("create_state_machine", code)
    states.add_response("create_state_machine", CREATED)
    states.add_response("start_execution", STARTED)
    assert _start(aws) == list(machines.WAITS[:2])


@pytest.mark.parametrize("call", ["start_execution", "create_state_machine"])
def test_a_refusal_is_not_retried(aws: Aws, states: Any, call: str) -> None:
    if call != "start_execution":
        _no_machine(states)
    states.add_client_error(call, "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        _start(aws)


class Account:
    """Step Functions with a bucket of creations, eventually consistent, in the order in which it was called."""

    def __init__(self, aws: Aws, creations: int) -> None:
        self.creations = creations
        self.made: list[str] = []
        self.refused = 0
        self.exceptions = aws.states.exceptions
        self.meta = aws.states.meta

    def start_execution(self, *, stateMachineArn: str, **_: Any) -> None:  # noqa: N803  # AWS's name
        if stateMachineArn.rpartition(":")[2] not in self.made:
            raise self.exceptions.StateMachineDoesNotExist({"Error": {}}, "StartExecution")

    def describe_state_machine(self, *, stateMachineArn: str, **_: Any) -> dict[str, str]:  # noqa: N803
        if stateMachineArn.rpartition(":")[2] not in self.made:
            raise self.exceptions.StateMachineDoesNotExist({"Error": {}}, "DescribeStateMachine")
        return {"status": "ACTIVE"}

    def create_state_machine(self, *, name: str, **_: Any) -> None:
        with _turn:
            if not self.creations:
                self.refused += 1
                throttled: Any = {"Error": {"Code": "ThrottlingException"}}
                raise ClientError(throttled, "CreateStateMachine")
            self.creations -= 1
            self.made.append(name)


_turn = Lock()
FAMILY = [Machine(f"covalent-part{i}", "{}") for i in range(30)] + [Machine(MACHINE, "{}")]


def _account(aws: Aws, creations: int) -> Any:
    objects.write(aws, {keys.machines(ID): machines.dump(FAMILY)})
    return Account(aws, creations)


def test_the_main_machine_is_made_when_all_its_parts_are_there(aws: Aws) -> None:
    account = _account(aws, 5)

    def refill(_: float) -> None:
        account.creations += 9

    crowded: Any = replace(aws, states=account)
    machines.start(crowded, MACHINE, ID, sleep=refill)
    assert account.made[-1] == MACHINE
    assert sorted(account.made) == sorted(each.name for each in FAMILY)  # each one once


def test_a_start_goes_on_where_the_one_before_was_given_up(aws: Aws) -> None:
    account = _account(aws, 20)
    crowded: Any = replace(aws, states=account)
    with pytest.raises(Unavailable):
        machines.start(crowded, MACHINE, ID, sleep=lambda _: None)
    assert len(account.made) == 20
    assert MACHINE not in account.made
    account.creations = 11
    machines.start(crowded, MACHINE, ID, sleep=lambda _: None)
    assert len(account.made) == len(FAMILY)


def test_ten_machines_of_the_largest_size_pass_storage(aws: Aws) -> None:
    large = [
        Machine(f"covalent-{i}", '{"Comment":"' + "\u00e9" * 524_000 + '"}') for i in range(10)
    ]
    objects.write(aws, {keys.machines(ID): machines.dump(large)})
    assert machines._Family(aws, ID)._parts == large[:-1]


def test_machines_log_errors_without_what_electrons_pass_along(aws: Aws, states: Stubber) -> None:
    group = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/states/covalent"
    settings = replace(aws.settings, machine_logs=group, machine_tracing=True)
    expected: dict[str, Any] = {
        "name": MACHINE,
        "definition": "{}",
        "roleArn": aws.settings.machine_role,
        "type": "STANDARD",
    }
    for each in (aws.settings, settings):
        _no_machine(states)
        states.add_response("create_state_machine", CREATED, expected)
        states.add_response("start_execution", STARTED)
        _start(replace(aws, settings=each))
        expected |= {
            "loggingConfiguration": {
                "level": "ERROR",
                "includeExecutionData": False,
                "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": f"{group}:*"}}],
            },
            "tracingConfiguration": {"enabled": True},
        }
