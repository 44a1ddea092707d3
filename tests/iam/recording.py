"""The embedded AWS, writing down every request that a role of the deployment makes. Run as `python -m` with `serve`.

Who made a request:

api, adopt, fire,     the handler that runs in this thread, or that gave work to the control plane's threads; api
finish, restart, sweep  also signs the addresses that clients use
electron, builder     the session by whose key the request is signed; builders have workers of their own, as on AWS
runner                what the guard of a runner process signs with the function's own key
machine, ticker       the emulator of Step Functions, where it does what AWS does with the role of a machine
bridge                the function's handler, as above
batch, ecs, ec2,      processes that stand for jobs: each kind has the key of a session of its role
braket
scheduler             the emulator of EventBridge Scheduler, when a schedule calls its target

Requests of others (tests, the repairs of the emulator) are not written down.

More functions than offline are there: `covalent-restart` and `covalent-sweep`, without their patience, and a builder.
"""

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

from tests.iam.calls import SYNC_RULE

from covalent_control_plane import manifests, starting, sweep, ticking
from covalent_executors.ec2 import place as ec2
from covalent_localstack import __main__ as command
from covalent_localstack import (
    access,
    bootstrap,
    braket,
    environment,
    executions,
    lambdas,
    map_runs,
    nested,
    programs,
    scheduler,
    sts,
)
from covalent_localstack.api_gateway import Gateway
from covalent_localstack.pool import WorkerPool
from covalent_localstack.server import API, Front

VARIABLE = "COVALENT_TEST_CALLS"
EVENTS = ("restart", "sweep")
BUILDER = environment.RUNNER.replace("runner", "builder")
BUILDER_ROLE = "covalent-builder"
_ROLE: ContextVar[str] = ContextVar("role", default="")
_writing = threading.Lock()


def note(role: str, service: str, operation: str, parameters: Any, **more: Any) -> None:
    """Write down a request."""
    line = {"role": role, "service": service, "operation": operation, "parameters": parameters}
    with _writing, Path(os.environ[VARIABLE]).open("a") as file:
        file.write(json.dumps({**line, **more}, default=repr) + "\n")


def _requests() -> None:
    """All that arrives at the front."""
    stock = Front.__call__

    def call(self: Front, environ: Any, start_response: Any) -> Any:
        who = _who(self, environ)
        if not who["role"]:
            return stock(self, environ, start_response)
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = BytesIO(body)
        request = _what(environ, body)
        statuses: list[int] = []

        def start(status: str, headers: Any) -> Any:
            statuses.append(int(status[:3]))
            return start_response(status, headers)

        try:
            return stock(self, environ, start)
        finally:
            note(who.pop("role"), *request, status=(statuses or [0])[-1], **who)

    Front.__call__ = call  # type: ignore[method-assign]  # that is the point


def _who(front: Front, environ: Any) -> dict[str, Any]:
    agent = environ.get("HTTP_USER_AGENT", "")
    if environ["PATH_INFO"].startswith(API):
        return {"role": ""}
    if "X-Amz-Credential=" in environ.get("QUERY_STRING", ""):
        return {"role": "api", "agent": "presigned"}
    found = access._CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if found is not None and found[1] in front.sessions:
        session = front.sessions[found[1]]
        role = session.role.rpartition("-")[2]
        return {"role": role, "tags": session.tags, "agent": agent}
    guard = "runner" if agent == "covalent-guard" else ""
    return {"role": _ROLE.get() or guard, "agent": agent}


def _what(environ: Any, body: bytes) -> tuple[str, str, Any]:
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        service, _, operation = target.partition(".")
        return _TARGETS.get(service, service), operation, json.loads(body)
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    match _signed_for(environ):
        case "ec2" | "sts" as service:
            fields = dict(parse_qsl(body.decode()))
            return service, fields["Action"], fields
        case "lambda":
            (function,) = re.findall(r"/functions/(.+)/invocations$", path)
            return "lambda", "Invoke", {"FunctionArn": function}
        case "braket":
            return "braket", {"GET": "GetJob"}[method], {}
        case "scheduler":
            query = dict(parse_qsl(environ["QUERY_STRING"]))
            asked = {**query, **json.loads(body or b"{}"), "Name": path.rpartition("/")[2]}
            return "scheduler", method, asked
        case _:
            copied = environ.get("HTTP_X_AMZ_COPY_SOURCE", "")
            asked = {"path": path, "query": environ["QUERY_STRING"], "copied": copied}
            return "s3", method, asked


_TARGETS = {"DynamoDB_20120810": "dynamodb", "AWSStepFunctions": "states", "AWSEvents": "events"}


def _signed_for(environ: Any) -> str:
    """The service in the scope of the signature."""
    found = re.search(r"/([a-z0-9-]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
    return found[1] if found else ""


def _handlers() -> None:
    """Who runs in a thread of the control plane, and what its threads do for it."""
    answer, invoke, submit = Gateway.__call__, lambdas.Runtime.invoke, ThreadPoolExecutor.submit

    def as_api(self: Gateway, environ: Any) -> Any:
        return _as("api", answer, self, environ)

    def as_function(self: Any, function: Any, event: Any, **more: Any) -> Any:
        if more.get("owner"):
            caller = "ticker" if function.function_name == environment.FIRE else "machine"
            note(caller, "lambda", "Invoke", {"FunctionArn": function.function_arn})
        if not function.handler.startswith(lambdas.IN_PROCESS):
            of_builders = function.function_name == BUILDER
            return invoke(_of_builders() if of_builders else self, function, event, **more)
        is_bridge = function.function_name == environment.BRIDGE
        role = "bridge" if is_bridge else function.handler.rpartition(".")[2]
        return _as(role, invoke, self, function, event, **more)

    def in_context(self: Any, do: Any, /, *args: Any, **more: Any) -> Any:
        if self._thread_name_prefix != "covalent-aws":
            return submit(self, do, *args, **more)
        return submit(self, copy_context().run, do, *args, **more)

    Gateway.__call__ = as_api  # type: ignore[method-assign]  # as above
    lambdas.Runtime.invoke = as_function  # type: ignore[method-assign]  # as above
    ThreadPoolExecutor.submit = in_context  # type: ignore[method-assign]  # as above


@cache
def _of_builders() -> lambdas.Runtime:
    """Workers whose user code has the builder's role."""
    pool = lambdas.current().workers
    variables = {**pool._environment, "COVALENT_ELECTRON_ROLE": environment.role_arn(BUILDER_ROLE)}
    return lambdas.Runtime(WorkerPool(1, variables, Path(pool._log.name), pool._preload))


_LOGS = {"covalent-batch-job-logs": "batch", "covalent-fargate-task-logs": "ecs"}
"""Which kind of container has which log, as the executors have it by default."""


def _jobs() -> None:
    """Jobs sign with keys of their own, and the emulator starts them as Step Functions does on AWS."""
    held, run = sts.Sessions.__init__, programs.Runtime.run
    create = braket._OPERATIONS["CreateJob"]

    def with_jobs(self: Any) -> None:
        held(self)
        for kind, key in _KEYS.items():
            self._held[key] = sts.Session(f"covalent-{kind}", "job", {})

    def as_its_kind(self: Any, program: Any, command: Any, variables: Any, **options: Any) -> Any:
        kind = _kind(program, variables)
        for service, operation, asked in _started(kind):
            note("machine", service, operation, asked)
        return run(self, program, command, {**variables, **_key(kind)}, **options)

    def created(request: Any) -> Any:
        note("machine", "braket", "CreateJob", {"tags": request.get("tags", {})})
        return create(request)

    sts.Sessions.__init__ = with_jobs  # type: ignore[method-assign]  # as below
    setattr(programs.Runtime, "run", as_its_kind)  # noqa: B010  # whatever its arguments are
    cast("dict[str, Any]", braket._OPERATIONS)["CreateJob"] = created


_KEYS = {kind: f"ASIACOVALENT{kind.upper()}" for kind in ("batch", "ecs", "ec2", "braket")}


def _kind(program: Any, variables: Any) -> str:
    if program.is_machine:
        return "ec2" if ec2.INSTANCE in variables else "braket"
    return _LOGS[variables["COVALENT_LOG_GROUP"]]


def _key(kind: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": _KEYS[kind], "AWS_SECRET_ACCESS_KEY": _KEYS[kind]}


def _started(kind: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What AWS says that Step Functions asks for with the role of the machine, from the start of a job to its end.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
    """
    if kind == "ec2":
        yield "ec2", "RunInstances", {}
    if kind not in _LOGS.values():
        return
    operations = {
        "batch": ("SubmitJob", "DescribeJobs", "TerminateJob"),
        "ecs": ("RunTask", "DescribeTasks", "StopTask"),
    }
    rules = {"batch": "Batch", "ecs": "ECS"}
    yield from ((kind, operation, {}) for operation in operations[kind])
    name = f"StepFunctionsGetEventsFor{rules[kind]}{'Jobs' if kind == 'batch' else 'Task'}Rule"
    for operation in ("PutTargets", "PutRule", "DescribeRule"):
        yield "events", operation, {"Name": name}


def _schedules() -> None:
    """A schedule calls its target with the role that it was given."""
    deliver = scheduler.deliver

    def call(schedule: Any, moment: float) -> None:
        note("scheduler", "lambda", "Invoke", {"FunctionArn": schedule.target["Arn"]})
        deliver(schedule, moment)

    scheduler.deliver = call


def _as(role: str, do: Any, *args: Any, **more: Any) -> Any:
    token = _ROLE.set(role)
    try:
        return do(*args, **more)
    finally:
        _ROLE.reset(token)


def _machines() -> None:
    """What Step Functions does with the machine's role. The emulator calls itself there, so it is told from outside.

    For startExecution.sync:2 and Distributed Maps it is what AWS says that it does:
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    start, stop, run = nested._start, executions.stop, map_runs._MapRun.run

    def start_part(
        self: Any,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> None:
        start(self, env, resource_runtime_part, normalised_parameters, state_credentials)
        machine = normalised_parameters["stateMachineArn"]
        note("machine", "states", "StartExecution", {"stateMachineArn": machine})
        child = env.stack[-1]["executionArn"]
        note("machine", "states", "DescribeExecution", {"executionArn": child})
        for each in ("PutTargets", "PutRule", "DescribeRule"):
            note("machine", "events", each, {"Name": SYNC_RULE})

    def stop_part(execution: Any, *args: Any, **more: Any) -> Any:
        if more.get("cause") == nested.ABANDONED:
            note("machine", "states", "StopExecution", {"executionArn": execution.exec_arn})
        return stop(execution, *args, **more)

    def run_child(self: Any, job: Any) -> None:
        run(self, job)
        machine = self.record.map_state_machine_arn.partition("/")[0]
        note("machine", "states", "StartExecution", {"stateMachineArn": machine})
        for child in list(self.children)[-1:]:
            note("machine", "states", "DescribeExecution", {"executionArn": child.exec_arn})

    nested._start = start_part
    executions.stop = stop_part
    map_runs._MapRun.run = run_child  # type: ignore[method-assign]  # as above


def main() -> int:
    """Serve, and write down."""
    for install in (_requests, _handlers, _jobs, _machines, _schedules):
        install()
    bootstrap.make.__defaults__ = (
        bootstrap.FUNCTIONS
        + tuple(
            bootstrap.Function(
                f"covalent-{name}", f"covalent_control_plane.application.{name}", 900
            )
            for name in EVENTS
        )
        + (bootstrap.Function(BUILDER, environment.RUNNER_HANDLER, 900),),
    )
    os.environ["COVALENT_BUILDERS"] = json.dumps({environment.PYTHON: BUILDER})
    sts.Sessions.roles |= {environment.role_arn(BUILDER_ROLE)}
    manifests.KEPT = 0  # on AWS the functions do not share a process
    starting.PATIENCE = -1
    ticking.MOST_TICKS = 2
    sweep.UNUSED = sweep.YOUNG = -1
    sweep.LISTING = sweep.DESCRIBING = sweep.ASKING = sweep.DELETING = 0.0
    return command.main()


if __name__ == "__main__":
    sys.exit(main())
