"""ECS: tasks really run, and whatever cluster, definition or network is named is there.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- a task runs nothing, and comes nearer to its end whenever it is looked at -> processes of this machine, until they end
- RunTask wants a cluster, a definition and a subnet that someone has made -> makes the first two, takes any subnet
- RunTask wants each container to have memory of its own -> Fargate's need not
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
from covalent_localstack.batch import LOG_GROUP, log_group, write_log
from covalent_localstack.patching import replace
from covalent_localstack.programs import Exit, Program

CONTAINER = "electron"
"""The container of definitions that are made on demand."""
_ENDED_BY_ITSELF = "Essential container in task exited"
_stock_needs = EC2ContainerServiceBackend._calculate_task_resource_requirements
_stock_run = EC2ContainerServiceBackend.run_task
_making = threading.Lock()
_NETWORK = 7
"""Which argument of moto's RunTask it is."""


def find(account: str, region: str, arn: str) -> Any:
    """A task, whose containers have been started."""
    name = arn.rpartition("/")[2]
    with _making:
        for tasks in ecs_backends[account][region].tasks.values():
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


def _run_task(self: Any, *args: Any) -> list[Any]:
    with _making:
        return _started(self, args, args[_NETWORK])


def _run_task_anywhere(
    self: Any, cluster_str: str, task_definition_str: str, *args: Any
) -> list[Any]:
    given = [cluster_str, task_definition_str, *args]
    with _making:
        _make_missing(self, cluster_str.rpartition("/")[2], task_definition_str)
        given[_NETWORK] = _known(self, given[_NETWORK])
        return _started(self, given, args[_NETWORK - 2])


def _started(backend: Any, given: Sequence[Any], network: Any) -> list[Any]:
    """Made and started under one lock: what stops a task finds it with all that there is to stop."""
    started = _stock_run(backend, *given)
    for task in started:
        _start(backend, task, network)
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
    ec2 = ec2_backends[backend.account_id][backend.region_name]
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


def _needs(definition: Any) -> Any:
    shown = copy.copy(definition)
    shown.container_definitions = [
        {"memoryReservation": 0, **each} for each in definition.container_definitions
    ]
    return _stock_needs(shown)


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

    try:
        gone = task.runtime.run(task.processes[number], command, variables, begun=begun)
        shown.exitCode, shown.last_status = gone.code, "STOPPED"
        named = log_group(described.get("logConfiguration", {}))
        group = variables.get(LOG_GROUP, named or f"/ecs/{task.group.removeprefix('family:')}")
        _log(backend, task, group, shown.name, gone)
        if described.get("essential", True):
            stop(task, _ENDED_BY_ITSELF, "EssentialContainerExited")
    finally:
        _leave(task)


def _overrides(task: Any, name: str) -> Mapping[str, Any]:
    found = task.overrides.get("containerOverrides", ())
    return next((each for each in found if each.get("name") == name), {})


def _log(backend: Any, task: Any, group: str, name: str, gone: Exit) -> None:
    logs = logs_backends[backend.account_id][backend.region_name]
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
    task = find(self.account_id, self.region_name, task_str)
    stop(task, reason or "Task stopped by user")
    return task


def _status(self: Any) -> Any:
    return self._status


def _set_status(self: Any, value: Any) -> None:
    self._status = value


def install(*, makes_missing: bool = True) -> None:
    """Repair moto.

    Args:
        makes_missing: clusters and definitions that nobody has made are made when they are named, and not refused; so
            are networks.

    """
    run_task = _run_task_anywhere if makes_missing else _run_task
    replace(EC2ContainerServiceBackend, "run_task", run_task)
    replace(
        EC2ContainerServiceBackend, "_calculate_task_resource_requirements", staticmethod(_needs)
    )
    replace(EC2ContainerServiceBackend, "stop_task", _stop_task)
    replace(Task, "status", property(_status, _set_status))
