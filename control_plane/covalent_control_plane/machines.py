"""State machines: one or more per shape, named by the hash of their definitions; a dispatch executes the main one.

StartExecution comes first and CreateStateMachine only when it says that there is no such machine: AWS refills 300
starts a second but one creation, and no process needs to know what others have made.

A main machine that exists can start all its parts: it is created after them, and deleted before them
(`covalent_control_plane.sweep`). So nobody has to look for the parts when the main one starts.
"""

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from covalent_contracts import keys
from covalent_contracts.errors import Unavailable
from covalent_control_plane import objects
from covalent_control_plane.aws import Aws
from covalent_control_plane.settings import Settings
from covalent_control_plane.telemetry import log
from covalent_control_plane.transient import will_pass
from covalent_step_functions.compiler import Machine

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import (
        CloudWatchLogsLogGroupTypeDef,
        LoggingConfigurationTypeDef,
        TracingConfigurationTypeDef,
    )


class _Observed(TypedDict, total=False):
    """The part of CreateStateMachine that tells what to write down of executions."""

    loggingConfiguration: "LoggingConfigurationTypeDef"
    tracingConfiguration: "TracingConfigurationTypeDef"


WAITS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0)
"""Seconds before each further try: creation is eventually consistent, and throttled to one a second."""
PATIENCE = 18.0
"""Seconds within which a try may begin: API Gateway waits 29 s for the answer."""


REMEMBERED = 1000
"""Machines of which a process knows that they are there. What was used so recently is not swept."""


def start(
    aws: Aws,
    machine: str,
    dispatch_id: str,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Start the execution of a dispatch, making its machines when there are none. Twice is the same as once.

    Raises:
        ClientError: AWS refuses.
        Unavailable: the machines did not come to be in time; the next start goes on with them.

    """
    if _started(aws, machine, dispatch_id):
        return
    latest = clock() + PATIENCE
    family = _Family(aws, dispatch_id)
    for wait in WAITS:
        is_made = family.make()
        if clock() + wait > latest:
            break
        sleep(wait)
        if is_made and _started(aws, machine, dispatch_id):
            return
    raise _not_yet(dispatch_id)


def stop(aws: Aws, machine: str, dispatch_id: str) -> None:
    """Stop the execution of a dispatch, and with it what it nests; one that has ended, or was not started, is left."""
    with suppress(aws.states.exceptions.ExecutionDoesNotExist):
        aws.states.stop_execution(
            executionArn=aws.execution_arn(machine, dispatch_id),
            error="Cancelled",
            cause="the dispatch was cancelled",
        )


def dump(machines: Iterable[Machine]) -> bytes:
    """The machines of a dispatch as they are stored (`covalent_contracts.keys.machines`)."""
    return json.dumps([(each.name, each.definition) for each in machines]).encode()


def ensure(
    aws: Aws,
    machine: str,
    dispatch_id: str,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Make the machines of a dispatch that something else starts, unless they are there.

    Raises:
        ClientError: AWS refuses.
        Unavailable: the machines did not come to be in time; the next call goes on with them.

    """
    if machine in aws.machines:
        return
    if not _exists(aws, machine):
        latest = clock() + PATIENCE
        family = _Family(aws, dispatch_id)
        for wait in WAITS:
            if family.make():
                break
            if clock() + wait > latest:
                raise _not_yet(dispatch_id)
            sleep(wait)
        else:
            raise _not_yet(dispatch_id)
    aws.machines[machine] = None
    while len(aws.machines) > REMEMBERED:
        aws.machines.popitem(last=False)


def _not_yet(dispatch_id: str) -> Unavailable:
    return Unavailable(
        f"the state machines of dispatch {dispatch_id} are not there yet: start it again"
    )


class _Family:
    """The machines of a dispatch, as far as they are not known to exist."""

    def __init__(self, aws: Aws, dispatch_id: str) -> None:
        self._aws = aws
        documents = json.loads(objects.read(aws, keys.machines(dispatch_id)))
        *self._parts, self._main = [Machine(*each) for each in documents]
        self._is_made = False

    def make(self) -> bool:
        """Create what is missing, the main machine last; False when something must be tried again."""
        if not self._is_made:
            made = list(self._aws.threads.map(self._is_part_there, self._parts))
            self._parts = [part for part, there in zip(self._parts, made, strict=True) if not there]
            self._is_made = not self._parts and _is_created(self._aws, self._main)
        return self._is_made

    def _is_part_there(self, part: Machine) -> bool:
        """Look before creating: what exists must not use up the creations that the others need."""
        return _exists(self._aws, part.name) or _is_created(self._aws, part)


def _started(aws: Aws, machine: str, dispatch_id: str) -> bool:
    errors = aws.states.exceptions
    try:
        aws.states.start_execution(**_request(aws, machine, dispatch_id))
    except errors.ExecutionAlreadyExists:
        return True  # the input follows from the name: it is the same execution, possibly ended
    except (errors.StateMachineDoesNotExist, errors.StateMachineDeleting):
        return False
    return True


def _exists(aws: Aws, name: str) -> bool:
    try:
        found = aws.states.describe_state_machine(
            stateMachineArn=aws.machine_arn(name), includedData="METADATA_ONLY"
        )
    except (ClientError, BotoCoreError):
        return False  # not there, or not to be seen: creating it tells
    return found["status"] == "ACTIVE"


def _is_created(aws: Aws, machine: Machine) -> bool:
    """Create a machine; False when it may be tried again, as while an older one of the name is being deleted."""
    errors = aws.states.exceptions
    try:
        aws.states.create_state_machine(
            name=machine.name,
            definition=machine.definition,
            roleArn=aws.settings.machine_role,
            type="STANDARD",
            **_observed(aws.settings),
        )
    except errors.StateMachineAlreadyExists:
        return True  # with other logging or tracing; the name is the hash of the definition
    except (errors.StateMachineDeleting, errors.ConflictException):
        return False
    except (ClientError, BotoCoreError) as exc:
        if not will_pass(exc):
            raise
        log().warning("machine not made yet", machine=machine.name, exc_info=exc)
        return False
    log().info("machine made", machine=machine.name)
    return True


def _observed(settings: Settings) -> "_Observed":
    """Where a machine logs its errors, and whether it sends traces; what electrons pass along is never logged."""
    asked: _Observed = {}
    if settings.machine_logs is not None:
        group: CloudWatchLogsLogGroupTypeDef = {"logGroupArn": f"{settings.machine_logs}:*"}
        asked["loggingConfiguration"] = {
            "level": "ERROR",
            "includeExecutionData": False,
            "destinations": [{"cloudWatchLogsLogGroup": group}],
        }
    if settings.machine_tracing:
        asked["tracingConfiguration"] = {"enabled": True}
    return asked


def _request(aws: Aws, machine: str, dispatch_id: str) -> dict[str, str]:
    return {
        "stateMachineArn": aws.machine_arn(machine),
        "name": dispatch_id,
        "input": json.dumps({"dispatch_id": dispatch_id}, separators=(",", ":")),
    }
