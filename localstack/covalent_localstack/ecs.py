"""ECS: tasks really run, and whatever cluster, definition or network is named is there.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- a task runs nothing, and comes nearer to its end whenever it is looked at -> processes of this machine, until they end
- RunTask wants a cluster, a definition and a subnet that someone has made -> makes the first two, takes any subnet
"""

import copy
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from moto.ec2 import ec2_backends
from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ecs.exceptions import ClusterNotFoundException, TaskDefinitionNotFoundException
from moto.ecs.models import EC2ContainerServiceBackend, Task, ecs_backends
from moto.logs.models import logs_backends

from covalent_localstack import programs, threads
from covalent_localstack.batch import LOG_GROUP, write_log
from covalent_localstack.environment import ACCOUNT
from covalent_localstack.patching import replace
from covalent_localstack.programs import Exit, Program

CONTAINER = "electron"
"""The container of definitions that are made on demand."""
_ENDED_BY_ITSELF = "Essential container in task exited"
_stock_run = EC2ContainerServiceBackend.run_task
_making = threading.Lock()


def find(region: str, arn: str) -> Any:
    """A task."""
    name = arn.rpartition("/")[2]
    for tasks in ecs_backends[ACCOUNT][region].tasks.values():
        for task in tasks.values():
            if task.id == name:
                return task
    raise LookupError(f"there is no task {arn}")


def stop(task: Any, reason: str, code: str = "UserInitiated") -> None:
    """End a task, unless it has ended."""
    with task.lock:
        if task.status == "STOPPED":
            return
        task.desired_status = "STOPPED"
        task.stopped_reason = task.stopped_reason or reason
        task.stop_code = task.stop_code or code
    for each in task.processes:
        task.runtime.end(each, reason)


def _run_task(self: Any, cluster_str: str, task_definition_str: str, *args: Any) -> list[Any]:
    with _making:
        _make_missing(self, cluster_str.rpartition("/")[2], task_definition_str)
        network = args[5] if len(args) > 5 else None
        started = _stock_run(
            self, cluster_str, task_definition_str, *args[:5], _known(self, network), *args[6:]
        )
    for task in started:
        _start(self, task, network)
    return list(started)


def _make_missing(backend: Any, cluster: str, definition: str) -> None:
    try:
        backend._get_cluster(cluster)
    except ClusterNotFoundException:
        backend.create_cluster(cluster)
    try:
        backend.describe_task_definition(definition)
    except TaskDefinitionNotFoundException:
        backend.register_task_definition(
            family=definition.rpartition("/")[2].partition(":")[0],
            container_definitions=[{"name": CONTAINER, "image": "here", "memory": 512}],
            requires_compatibilities=["FARGATE"],
            cpu="256",
            memory="512",
        )


def _known(backend: Any, network: Any) -> Any:
    """The network of a task, with a subnet that moto has and the groups that it has."""
    if not network:
        return network
    ec2 = ec2_backends[ACCOUNT][backend.region_name]
    asked = network["awsvpcConfiguration"]
    groups = [
        each
        for each in asked.get("securityGroups", ())
        if ec2.get_security_group_from_id(each) is not None
    ]
    try:
        ec2.get_subnet(asked["subnets"][0])
        subnets = asked["subnets"]
    except InvalidSubnetIdError:
        subnets = [next(iter(ec2.get_default_subnets().values())).id]
    return {"awsvpcConfiguration": {**asked, "subnets": subnets, "securityGroups": groups}}


def _start(backend: Any, task: Any, network: Any) -> None:
    """Start the containers of a task, each in a thread."""
    definition = backend.describe_task_definition(task.task_definition_arn)
    task.lock, task.ended = threading.Lock(), threading.Event()
    task.runtime = programs.current()
    task.stop_code = ""
    task.status = "PENDING"
    for detail in task.attachments[0]["details"] if task.attachments and network else ():
        if detail["name"] == "subnetId":
            detail["value"] = network["awsvpcConfiguration"]["subnets"][0]
    (first,) = task.containers
    task.containers = [copy.copy(first) for _ in definition.container_definitions]
    task.processes = [Program() for _ in definition.container_definitions]
    task.left = len(task.processes)
    for number, described in enumerate(definition.container_definitions):
        shown = task.containers[number]
        shown.name, shown.image, shown.exitCode = described["name"], described["image"], None
        threads.start(partial(_run, backend, task, number, described), "ecs-task")


def _run(backend: Any, task: Any, number: int, described: Mapping[str, Any]) -> None:
    asked = _overrides(task, described["name"])
    variables = {
        each["name"]: each["value"]
        for each in (*described.get("environment", ()), *asked.get("environment", ()))
    }
    command: Sequence[str] = asked.get("command") or described.get("command") or ["true"]
    shown = task.containers[number]

    def begun() -> None:
        shown.last_status = "RUNNING"
        with task.lock:
            if task.status == "PENDING":
                task.status = "RUNNING"

    gone = task.runtime.run(task.processes[number], command, variables, begun=begun)
    shown.exitCode, shown.last_status = gone.code, "STOPPED"
    group = variables.get(LOG_GROUP, f"/ecs/{task.group.removeprefix('family:')}")
    _log(backend, task, group, shown.name, gone)
    if described.get("essential", True):
        stop(task, _ENDED_BY_ITSELF, "EssentialContainerExited")
    _leave(task)


def _overrides(task: Any, name: str) -> Mapping[str, Any]:
    found = task.overrides.get("containerOverrides", ())
    return next((each for each in found if each.get("name") == name), {})


def _log(backend: Any, task: Any, group: str, name: str, gone: Exit) -> None:
    logs = logs_backends[ACCOUNT][backend.region_name]
    write_log(logs, group, f"{CONTAINER}/{name}/{task.id}", gone.output)


def _leave(task: Any) -> None:
    """The last container to end ends the task."""
    with task.lock:
        task.left -= 1
        if task.left:
            return
        task.desired_status = task.status = "STOPPED"
    task.ended.set()


def _stop_task(self: Any, cluster_str: str, task_str: str, reason: str) -> Any:
    self._get_cluster(cluster_str)
    task = find(self.region_name, task_str)
    stop(task, reason or "Task stopped by user")
    return task


def _status(self: Any) -> Any:
    return self._status


def _set_status(self: Any, value: Any) -> None:
    self._status = value


def install() -> None:
    """Repair moto."""
    replace(EC2ContainerServiceBackend, "run_task", _run_task)
    replace(EC2ContainerServiceBackend, "stop_task", _stop_task)
    replace(Task, "status", property(_status, _set_status))
