"""AWS Lambda: moto's functions run real handlers, in worker processes or in this process.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- without Docker a function never runs, its answer is "Simple Lambda happy path OK"; with Docker it runs in an
  image -> runs here
"""

import json
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from moto.awslambda.models import LambdaFunction

from covalent_localstack import pool, worker
from covalent_localstack.patching import replace

ASYNC_TRIES = 3
IN_PROCESS = ("covalent_control_plane.", "covalent_bridge.")
"""Handlers of these packages run in threads of the server; all others are user code and get processes."""


class Runtime:
    """Runs the handlers of Lambda functions."""

    def __init__(self, workers: pool.WorkerPool) -> None:
        self.workers = workers
        self._background = ThreadPoolExecutor(8, thread_name_prefix="lambda-async")

    def invoke(
        self, function: Any, event: Any, *, limit: float = 0, owner: str = ""
    ) -> dict[str, Any]:
        """Run a function.

        Args:
            function: moto's function.
            event: the payload.
            limit: seconds after which the caller loses interest, 0 for never.
            owner: what `cancel` can name later.

        Returns:
            {"result": JSON text} or {"error": the error document of AWS}.

        Raises:
            pool.TimedOut: the caller's limit passed, before the function's own.
            pool.Cancelled: the owner was cancelled.

        """
        timeout = float(function.timeout)
        seconds = min(limit, timeout) if limit else timeout
        context = _context(function, seconds)
        if function.handler.startswith(IN_PROCESS):
            return worker.call(function.handler, event, context)
        message = {
            "handler": function.handler,
            "event": event,
            "context": asdict(context),
            "environment": function.environment_vars or {},
        }
        return self._in_worker(message, seconds, owner, is_ours=seconds < timeout)

    def _in_worker(
        self, message: Mapping[str, Any], seconds: float, owner: str, *, is_ours: bool
    ) -> dict[str, Any]:
        request = f"RequestId: {message['context']['aws_request_id']}"
        try:
            return self.workers.run(message, seconds, owner)
        except pool.TimedOut:
            if is_ours:
                raise
            text = f"{request} Error: Task timed out after {seconds:.2f} seconds"
            return {"error": {"errorType": "Sandbox.Timedout", "errorMessage": text}}
        except pool.WorkerExited as exc:
            text = f"{request} Error: Runtime exited with error: {exc.why}"
            return {"error": {"errorType": "Runtime.ExitError", "errorMessage": text}}

    def invoke_later(self, function: Any, event: Any) -> None:
        """Run a function in the background, up to three times, as asynchronous invocations do."""
        self._background.submit(self._invoke_async, function, event)

    def _invoke_async(self, function: Any, event: Any) -> None:
        for _ in range(ASYNC_TRIES):
            if "error" not in self.invoke(function, event):
                return

    def close(self) -> None:
        """Kill the workers."""
        self._background.shutdown(wait=False, cancel_futures=True)
        self.workers.close()


def _context(function: Any, seconds: float) -> worker.Context:
    return worker.Context(
        aws_request_id=str(uuid.uuid4()),
        function_name=function.function_name,
        invoked_function_arn=function.function_arn,
        memory_limit_in_mb=int(function.memory_size),
        deadline=time.time() + seconds,
        log_group_name=f"/aws/lambda/{function.function_name}",
    )


_current: list[Runtime] = []


def use(runtime: Runtime | None) -> None:
    """Make `runtime` the one that moto's functions run on."""
    _current[:] = [runtime] if runtime else []


def current() -> Runtime:
    """The runtime in use.

    Raises:
        RuntimeError: the stack is not running.

    """
    if not _current:
        raise RuntimeError("no Lambda runtime: the embedded AWS is not running")
    return _current[0]


def _invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
    headers = {key.lower(): value for key, value in dict(request_headers or {}).items()}
    event = json.loads(body) if body else {}
    kind = headers.get("x-amz-invocation-type", "RequestResponse")
    response_headers["x-amz-executed-version"] = "$LATEST"
    if kind == "DryRun":
        return b""
    if kind == "Event":
        current().invoke_later(self, event)
        return b""
    answer = current().invoke(self, event)
    if "error" in answer:
        response_headers["x-amz-function-error"] = "Unhandled"
        return json.dumps(answer["error"]).encode()
    return str(answer["result"]).encode()


def install() -> None:
    """Repair moto."""
    replace(LambdaFunction, "invoke", _invoke)
