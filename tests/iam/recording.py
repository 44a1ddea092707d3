"""The embedded AWS, writing down every request that a role of the deployment makes. Run as `python -m` with `serve`.

Who made a request:

api, adopt, finish,   the handler that runs in this thread, or that gave work to the control plane's threads; api
restart, sweep        also signs the addresses that clients use
electron, builder     the session by whose key the request is signed
runner                what the guard of a runner process signs with the function's own key
machine               the emulator of Step Functions, where it does what AWS does with the machine's role

Requests of others (tests, the repairs of the emulator) are not written down.

Two functions more than offline are there, `covalent-restart` and `covalent-sweep`, without their patience.
"""

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.iam.calls import SYNC_RULE

from covalent_control_plane import manifests, starting, sweep
from covalent_localstack import __main__ as command
from covalent_localstack import (
    access,
    bootstrap,
    environment,
    executions,
    lambdas,
    map_runs,
    nested,
)
from covalent_localstack.api_gateway import Gateway
from covalent_localstack.server import API, Front

VARIABLE = "COVALENT_TEST_CALLS"
EVENTS = ("restart", "sweep")
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
        tags = front.sessions[found[1]].tags
        return {"role": _role_of_user_code(environ, agent), "tags": tags, "agent": agent}
    guard = "runner" if agent == "covalent-guard" else ""
    return {"role": _ROLE.get() or guard, "agent": agent}


def _role_of_user_code(environ: Any, agent: str) -> str:
    """Offline one function runs electrons and builds graphs. Only a builder writes assets."""
    is_asset = f"/{environment.BUCKET}/assets/" in environ["PATH_INFO"]
    builds = is_asset and environ["REQUEST_METHOD"] == "PUT" and "Boto3" not in agent
    return "builder" if builds else "electron"


def _what(environ: Any, body: bytes) -> tuple[str, str, Any]:
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        service, _, operation = target.partition(".")
        known = {"DynamoDB_20120810": "dynamodb", "AWSStepFunctions": "states"}
        return known.get(service, service), operation, json.loads(body)
    if "/sts/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
        fields = dict(parse_qsl(body.decode()))
        return "sts", fields["Action"], fields
    return "s3", environ["REQUEST_METHOD"], {"path": environ["PATH_INFO"]}


def _handlers() -> None:
    """Who runs in a thread of the control plane, and what its threads do for it."""
    answer, invoke, submit = Gateway.__call__, lambdas.Runtime.invoke, ThreadPoolExecutor.submit

    def as_api(self: Gateway, environ: Any) -> Any:
        return _as("api", answer, self, environ)

    def as_function(self: Any, function: Any, event: Any, **more: Any) -> Any:
        if more.get("owner"):
            note("machine", "lambda", "Invoke", {"FunctionArn": function.function_arn})
        if not function.handler.startswith(lambdas.IN_PROCESS):
            return invoke(self, function, event, **more)
        role = function.handler.rpartition(".")[2]
        return _as(role, invoke, self, function, event, **more)

    def in_context(self: Any, do: Any, /, *args: Any, **more: Any) -> Any:
        if self._thread_name_prefix != "covalent-aws":
            return submit(self, do, *args, **more)
        return submit(self, copy_context().run, do, *args, **more)

    Gateway.__call__ = as_api  # type: ignore[method-assign]  # as above
    lambdas.Runtime.invoke = as_function  # type: ignore[method-assign]  # as above
    ThreadPoolExecutor.submit = in_context  # type: ignore[method-assign]  # as above


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
            note("machine", "events", each, {"rule": SYNC_RULE})

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
    for install in (_requests, _handlers, _machines):
        install()
    bootstrap.make.__defaults__ = (
        bootstrap.FUNCTIONS
        + tuple(
            bootstrap.Function(
                f"covalent-{name}", f"covalent_control_plane.application.{name}", 900
            )
            for name in EVENTS
        ),
    )
    manifests.KEPT = 0  # on AWS the functions do not share a process
    starting.PATIENCE = -1
    sweep.UNUSED = sweep.YOUNG = -1
    sweep.LISTING = sweep.DESCRIBING = sweep.ASKING = sweep.DELETING = 0.0
    return command.main()


if __name__ == "__main__":
    sys.exit(main())
