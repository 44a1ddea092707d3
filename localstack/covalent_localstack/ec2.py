"""EC2: an instance is a process that runs its user-data, with this machine's Python and network.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- an instance runs nothing -> its user-data; when that calls `shutdown`, the instance stops or terminates
- a repeated ClientToken starts another instance -> is answered with the first
- errors of EC2 and Braket are spelt `ec2.ec2Exception` in a definition -> `Ec2.Ec2Exception`

A subnet that does not exist is taken for granted: offline there is no network to be in.
"""

import base64
import binascii
import threading
from typing import Any

from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
)

from covalent_executors.ec2.place import INSTANCE
from covalent_localstack import environment, programs, threads
from covalent_localstack.patching import replace

_stock_run = InstanceBackend.run_instances
_stock_terminate = Instance.terminate
_ERROR_NAMES = {"ec2": "Ec2", "braket": "Braket"}
_DOWN = "down"
"""The file that `shutdown` leaves."""
_SHUTDOWN = '#!/bin/sh\n: > "{folder}/' + _DOWN + '"\n'
_lock = threading.Lock()
_programs: dict[str, programs.Program] = {}


def pid(instance_id: str) -> int | None:
    """The process of an instance that runs its user-data."""
    program = _programs.get(instance_id)
    return None if program is None else program.pid


def script_of(user_data: Any) -> str:
    """The script in user-data; base64 twice, where Step Functions has encoded it and botocore again."""
    data = str(user_data).encode()
    while not data.startswith(b"#!"):
        try:
            data = base64.b64decode(data, validate=True)
        except binascii.Error:
            return ""
        if not data:
            return ""
    return data.decode()


def _run_instances(
    self: Any, image_id: str, count: int, user_data: Any, groups: list[str], **options: Any
) -> Any:
    with _lock:
        known = _of_token(self, options.get("client_token"))
        if known is not None:
            return known
        subnet = options.get("subnet_id")
        if subnet and not _exists(self, subnet):
            options["subnet_id"] = None
        made = _stock_run(self, image_id, count, user_data, groups, **options)
    for instance in made.instances:
        instance._subnet_id = instance._subnet_id or subnet
        if user_data and (script := script_of(user_data)):
            _boot(instance, script)
    return made


def _of_token(backend: Any, token: str | None) -> Any:
    """The reservation that was made with this token."""
    if token in (None, "", "ABCDE"):  # moto's default
        return None
    for reservation in backend.reservations.values():
        if any(each.client_token == token for each in reservation.instances):
            return reservation
    return None


def _exists(backend: Any, subnet: str) -> bool:
    try:
        backend.get_subnet(subnet)
    except InvalidSubnetIdError:
        return False
    return True


def _boot(instance: Any, script: str) -> None:
    """Run the user-data of an instance in the background."""
    starter = programs.current()
    folder = starter.folder()
    tools = folder / "bin"
    programs.python(tools / f"python{environment.PYTHON}")
    programs.executable(tools / "shutdown", _SHUTDOWN.format(folder=folder))
    programs.executable(folder / "user-data", script)
    own = {"PATH": str(tools), INSTANCE: instance.id}
    program = starter.start([str(folder / "user-data")], own, folder)
    _programs[instance.id] = program
    threads.start(lambda: _attend(starter, instance, program), "instance")


def _attend(starter: programs.Programs, instance: Any, program: programs.Program) -> None:
    """Wait for the end of the user-data. An instance goes on, unless that has shut it down."""
    down = program.folder / _DOWN
    program.wait()
    is_down = down.exists()
    starter.wait(program)
    _programs.pop(instance.id, None)
    if is_down and instance.state == "running":
        terminates = instance.instance_initiated_shutdown_behavior == "terminate"
        instance.terminate() if terminates else instance.stop()


def _terminate(self: Any, *args: Any, **options: Any) -> Any:
    program = _programs.pop(self.id, None)
    if program is not None:
        threads.start(program.end, "instance")
    return _stock_terminate(self, *args, **options)


def install() -> None:
    """Repair moto."""
    _programs.clear()
    replace(InstanceBackend, "run_instances", _run_instances)
    replace(Instance, "terminate", _terminate)
    replace(
        state_task_service_aws_sdk,
        "_SERVICE_ERROR_NAMES",
        {**state_task_service_aws_sdk._SERVICE_ERROR_NAMES, **_ERROR_NAMES},
    )
