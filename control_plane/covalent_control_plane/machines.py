"""State machines: one per shape, named by the hash of its definition; a dispatch is an execution of it.

StartExecution comes first and CreateStateMachine only when it says that there is no such machine: AWS refills 300
starts a second but one creation, and no process needs to know what others have made.
"""

import json
import time
from collections.abc import Callable, Iterable

from covalent_contracts import keys
from covalent_control_plane import objects
from covalent_control_plane.aws import Aws
from covalent_control_plane.telemetry import log
from covalent_step_functions.compiler import Machine

WAITS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0)
"""Seconds before each further try: creation is eventually consistent, API Gateway waits 29 s."""


def start(
    aws: Aws, machine: str, dispatch_id: str, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Start the execution of a dispatch, making its machine when there is none. Twice is the same as once.

    Raises:
        ClientError: AWS refuses, or the machine does not come to be in time.

    """
    if _started(aws, machine, dispatch_id):
        return
    made = False
    for wait in WAITS:
        made = made or _create(aws, dispatch_id)
        sleep(wait)
        if _started(aws, machine, dispatch_id):
            return
    aws.states.start_execution(**_request(aws, machine, dispatch_id))


def _started(aws: Aws, machine: str, dispatch_id: str) -> bool:
    errors = aws.states.exceptions
    try:
        aws.states.start_execution(**_request(aws, machine, dispatch_id))
    except errors.ExecutionAlreadyExists:
        return True  # the input follows from the name: it is the same execution, possibly ended
    except (errors.StateMachineDoesNotExist, errors.StateMachineDeleting):
        return False
    return True


def dump(machines: Iterable[Machine]) -> bytes:
    """The machines of a dispatch as they are stored (`covalent_contracts.keys.machines`)."""
    return json.dumps([(each.name, each.definition) for each in machines]).encode()


def _create(aws: Aws, dispatch_id: str) -> bool:
    """Make the machines of a dispatch; False while an older one of such a name is being deleted."""
    machines = json.loads(objects.read(aws, keys.machines(dispatch_id)))
    return all(_created(aws, name, definition) for name, definition in machines)


def _created(aws: Aws, name: str, definition: str) -> bool:
    errors = aws.states.exceptions
    try:
        aws.states.create_state_machine(
            name=name, definition=definition, roleArn=aws.settings.machine_role, type="STANDARD"
        )
    except errors.StateMachineAlreadyExists:
        return True  # with other logging or tracing; the name is the hash of the definition
    except errors.StateMachineDeleting:
        return False
    log().info("machine made", machine=name)
    return True


def _request(aws: Aws, machine: str, dispatch_id: str) -> dict[str, str]:
    return {
        "stateMachineArn": aws.machine_arn(machine),
        "name": dispatch_id,
        "input": json.dumps({"dispatch_id": dispatch_id}, separators=(",", ":")),
    }
