"""EC2: an instance is a process that runs its user-data, with this machine's Python and network.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- an instance runs nothing -> its user-data; when that calls `shutdown`, the instance stops or terminates
- a repeated ClientToken starts another instance -> is answered with the first
- errors of EC2 and Braket are spelt `ec2.ec2Exception` in a definition -> `Ec2.Ec2Exception`

A subnet that does not exist is taken for granted: offline there is no network to be in.
"""

import base64
import binascii
import os
import sys
import threading
from pathlib import Path
from typing import Any

from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
)

from covalent_executors.ec2.place import INSTANCE
from covalent_localstack import environment, programs, threads
from covalent_localstack.patching import replace
from covalent_localstack.programs import Program, Runtime

_stock_run = InstanceBackend.run_instances
_stock_terminate = Instance.terminate
_ERROR_NAMES = {"ec2": "Ec2", "braket": "Braket"}
_DOWN = "down"
"""The file that `shutdown` leaves."""
_SHUTDOWN = '#!/bin/sh\n: > "{folder}/' + _DOWN + '"\n'
_PYTHON = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
"""The Python that runs here, under another name."""
_lock = threading.Lock()
_programs: dict[str, Program] = {}


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
    runtime, program = programs.current(), Program(is_machine=True)
    _programs[instance.id] = program
    threads.start(lambda: _run(runtime, instance, program, script), "instance")


def _run(runtime: Runtime, instance: Any, program: Program, script: str) -> None:
    """Run user-data. The instance goes on after it, unless that has shut it down."""
    with runtime.folder() as folder:
        tools = folder / "bin"
        tools.mkdir()
        _write(tools / f"python{environment.PYTHON}", _PYTHON)
        _write(tools / "shutdown", _SHUTDOWN.format(folder=folder))
        _write(folder / "user-data", script)
        path = os.pathsep.join((str(tools), runtime.environment["PATH"]))
        variables = {"PATH": path, INSTANCE: instance.id}
        runtime.run(program, [str(folder / "user-data")], variables, folder=folder)
        is_down = (folder / _DOWN).exists()
    _programs.pop(instance.id, None)
    if is_down and instance.state == "running":
        terminates = instance.instance_initiated_shutdown_behavior == "terminate"
        instance.terminate() if terminates else instance.stop()


def _write(path: Path, text: str) -> None:
    """Write a script that can be run."""
    path.write_text(text)
    path.chmod(0o755)


def _terminate(self: Any, *args: Any, **options: Any) -> Any:
    program = _programs.pop(self.id, None)
    if program is not None:
        threads.start(lambda: program.end("the instance was terminated"), "instance")
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
