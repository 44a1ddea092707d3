"""Electrons on a Dask cluster."""

from __future__ import annotations

import asyncio
import platform
import sys
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from covalent._shared_files.exceptions import TaskCancelledError, TaskRuntimeError
from covalent.executor.base import AsyncBaseExecutor
from covalent.executor.cluster_address import cluster_address
from covalent_contracts import pickling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from covalent.executor.on_dask.cluster import Task

EXECUTOR_PLUGIN_NAME = "DaskExecutor"
_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "scheduler_address": "",
        "log_stdout": "stdout.log",
        "log_stderr": "stderr.log",
        "conda_env": "",
        "cache_dir": "",
        "current_env_on_conda_fail": False,
    }
)


class DaskExecutor(AsyncBaseExecutor):
    """Runs electrons on the workers of a Dask cluster.

    Args:
        scheduler_address: of the cluster, as "tcp://127.0.0.1:8786". If empty, that of the cluster which `covalent
            start` has started; without one electrons run as with `LocalExecutor`.
        log_stdout: file for what electrons print, in the dispatch's folder of `sdk.results_dir` unless it is absolute.
        log_stderr: file for what they print to stderr.
        conda_env: accepted for compatibility: electrons run in the environment of the workers, so an environment that
            is named is refused, unless the next one allows for another.
        cache_dir: accepted for compatibility: nothing is cached.
        current_env_on_conda_fail: whether to run in the environment of the workers though another one is named.
        settings: those of every executor.

    """

    SHORT_NAME = "dask"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = _DEFAULTS

    scheduler_address: str

    def __init__(  # the documented signature
        self,
        scheduler_address: str = "",
        log_stdout: str = "stdout.log",
        log_stderr: str = "stderr.log",
        conda_env: str = "",
        cache_dir: str = "",
        current_env_on_conda_fail: bool = False,
        **settings: Any,
    ) -> None:
        given = {
            "scheduler_address": scheduler_address,
            "log_stdout": log_stdout,
            "log_stderr": log_stderr,
            "conda_env": conda_env,
            "cache_dir": cache_dir,
            "current_env_on_conda_fail": current_env_on_conda_fail,
        }
        chosen = {name: value for name, value in given.items() if value != _DEFAULTS[name]}
        super().__init__(**chosen, **settings)

    async def run(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        task_metadata: Mapping[str, Any],
    ) -> Any:
        """Have a worker of the cluster call the function; without a cluster call it here.

        Returns:
            What the function returns.

        Raises:
            TaskRuntimeError: no scheduler answers, the worker was lost, or runs another version of Python.
            BaseException: whatever the function raises.

        """
        from covalent.executor.on_dask import cluster  # noqa: PLC0415  # loaded when first used

        address = self._address()
        if not address:
            return await asyncio.to_thread(function, *args, **kwargs)
        named = {
            "python": platform.python_version(),
            "dispatch_id": task_metadata["dispatch_id"],
            "node": task_metadata["node_id"],
        }
        payload = pickling.pickled((function, list(args), dict(kwargs)))
        name = getattr(function, "__name__", "electron")
        task: Task = await asyncio.to_thread(cluster.submit, address, payload, named, str(name))
        await self.set_job_handle(task.key)
        return self._value(await task.outcome())

    async def cancel(  # type: ignore[override]  # the reference: always True here, always False in the base
        self,
        task_metadata: Mapping[str, Any],  # noqa: ARG002  # the documented signature
        job_handle: Any,
    ) -> Literal[True]:
        """Take the task with the key `job_handle` back; if it runs, end it as far as Dask allows."""
        from covalent.executor.on_dask import cluster  # noqa: PLC0415  # loaded when first used

        if job_handle is not None and self._address():
            await asyncio.to_thread(cluster.cancel, self._address(), str(job_handle))
        return True

    def _address(self) -> str:
        return self.scheduler_address or cluster_address()

    def _value(self, outcome: Mapping[str, Any]) -> Any:
        sys.stdout.write(outcome.get("stdout", ""))
        sys.stderr.write(outcome.get("stderr", ""))
        match outcome["kind"]:
            case "value":
                return pickling.unpickled(outcome["data"])
            case "error":
                raise _raised(outcome)
            case "stopped":
                raise TaskCancelledError("the electron was interrupted on its Dask worker")
            case "python":
                raise TaskRuntimeError(
                    f"the Dask worker on {outcome['where']} runs Python {outcome['text']}, the electron was pickled by "
                    f"{platform.python_version()}: start workers with Python {_minor()}"
                )
            case _:
                raise TaskRuntimeError(f"the electron on {outcome['where']}: {outcome['text']}")


def _raised(outcome: Mapping[str, Any]) -> BaseException:
    """What the electron raised, with the lines where it did."""
    exc: BaseException = pickling.unpickled(outcome["data"])
    if outcome["trace"] is not None:
        tblib = import_module("tblib")  # which distributed needs too

        exc = exc.with_traceback(tblib.Traceback.from_dict(outcome["trace"]).as_traceback())
    return exc


def _minor() -> str:
    return ".".join(platform.python_version_tuple()[:2])
