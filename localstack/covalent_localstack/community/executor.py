"""LocalStack's Lambda runtime executor: an execution environment is a seat in the pool of its function."""

import threading
from pathlib import Path
from typing import Any

from localstack.config import GATEWAY_LISTEN
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from covalent_localstack.community import pool, runtimes
from covalent_localstack.community.runtime_api import Request, error
from covalent_localstack.community.worker import Code, Worker

_HOST = "127.0.0.1"
_lock = threading.Lock()
_pools: dict[tuple[str, ...], "_Members"] = {}


class _Members:
    """A pool, and the ids of the environments that use it."""

    def __init__(self, made: pool.Pool) -> None:
        self.pool = made
        self.ids: set[str] = set()


class SubprocessExecutor(RuntimeExecutor):
    """Runs a function in processes of this machine."""

    def start(self, env_vars: dict[str, Any]) -> None:
        """Join the pool of the function, which the first environment makes. Processes start when they are needed."""
        key = self._key()
        with _lock:
            if key not in _pools:
                _pools[key] = _Members(self._make_pool(env_vars))
            _pools[key].ids.add(self.id)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Run one invocation."""
        request = Request(
            payload["invoke-id"],
            payload["invoked-function-arn"],
            payload["payload"].encode(),
            payload.get("trace-id") or "",
        )
        outcome = self._run(request)
        return InvocationResult(
            request_id=request.id,
            payload=outcome.answer.payload,
            is_error=outcome.answer.is_error,
            logs=outcome.log or "\n",  # LocalStack warns of an empty one
        )

    def _run(self, request: Request) -> pool.Outcome:
        members = _pools.get(self._key())
        if members is None:
            return pool.Outcome(error("Runtime.Stopped", "the function was deleted"), "")
        try:
            return members.pool.run(request)
        except runtimes.NoRuntime as exc:
            answer = error("Runtime.NotInstalled", str(exc))
            return pool.Outcome(answer, f"{exc}\n")

    def stop(self) -> None:
        """Leave the pool; the last one ends its processes."""
        with _lock:
            members = _pools.get(self._key())
            if members is None:
                return
            members.ids.discard(self.id)
            if members.ids:
                return
            del _pools[self._key()]
        members.pool.close()

    def _key(self) -> tuple[str, ...]:
        version = self.function_version
        return version.qualified_arn, str(version.config.internal_revision), version.config.code.id

    def _make_pool(self, env_vars: dict[str, Any]) -> pool.Pool:
        settings = self.function_version.config
        folder = Path(settings.code.get_unzipped_code_location())
        environment = {name: str(value) for name, value in env_vars.items()}
        environment["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{settings.runtime}"

        def make() -> Worker:
            return Worker(Code(runtimes.interpreter(settings.runtime), folder, environment))

        limits = pool.Limits(
            settings.timeout, settings.memory_size, self.function_version.id.qualifier
        )
        return pool.Pool(make, limits, pool.size())

    def get_address(self) -> str:
        """Where the environment is."""
        return _HOST

    def get_endpoint_from_executor(self) -> str:
        """Where LocalStack is for the environment."""
        return _HOST

    def get_runtime_endpoint(self) -> str:
        """What LocalStack's own init would report to; nothing does here."""
        return f"http://{_HOST}:{GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    def get_logs(self) -> str:
        """What was printed outside invocations: it goes with the next one."""
        return ""

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """Unpack the code."""
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Remove the unpacked code."""
        if function_version.config.code:
            function_version.config.code.destroy_cached()


class SubprocessExecutorPlugin(RuntimeExecutorPlugin):
    """Chosen with LAMBDA_RUNTIME_EXECUTOR=subprocess."""

    name = "subprocess"

    def load(self, *_: Any, **__: Any) -> type[RuntimeExecutor]:
        """The executor's class."""
        return SubprocessExecutor
