"""Have an executor object run the electron's function: one of the user's own, or one that needs the SDK.

The runner knows of the object that it has `execute`, `cancel` and `write_streams_to_file` as Covalent's base classes
have them, coroutines or not. What `execute` returns is the electron's output, wherever the function ran.
"""

import asyncio
import inspect
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, Self

from covalent_contracts import attachments, context, pickling
from covalent_contracts.errors import TaskCancelledError
from covalent_contracts.sheet import Sheet
from covalent_runner.errors import ExecutorFailed, TimeLimitPassed
from covalent_runner.streams import Streams, write_error

PATIENCE = 5.0
"""Seconds for which the job of an electron that takes too long may take to end."""


class Executor(Protocol):
    """What is asked of the object."""

    def execute(  # Covalent's signature
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        dispatch_id: str,
        results_dir: str,
        node_id: int = -1,
    ) -> Any:
        """Set up, run, tear down; the value of the function, or an awaitable of it."""

    def cancel(self, task_metadata: Mapping[str, Any], job_handle: Any) -> Any:
        """End what was started for the electron."""


def loaded(sheet: Sheet, assets: Mapping[str, bytes]) -> Executor | None:
    """The executor of the electron; None if the runner is to call the function.

    Raises:
        ExecutorFailed: it cannot be made here; the message says why.

    """
    if sheet.executor is None:
        return None
    try:
        found: Executor = pickling.loads(assets[sheet.executor.digest])
    except ModuleNotFoundError as exc:
        name = (exc.name or "").partition(".")[0]
        raise ExecutorFailed(
            f"the executor of electron {sheet.id} needs module {name!r}, which is not installed where it runs: "
            f"install it there, or have it travel: write DepsModule({name!r}) beside the executor, or put "
            "the executor's file into sdk.executor_dir"
        ) from exc
    except Exception as exc:
        raise ExecutorFailed(
            f"the executor of electron {sheet.id} cannot be unpickled: {type(exc).__name__}: {exc}"
        ) from exc
    return found


def run(
    executor: Executor,
    sheet: Sheet,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Have the executor run a function, as the electron that is entered.

    Raises:
        TaskCancelledError: the electron was cancelled meanwhile.
        TimeLimitPassed: it took longer than it may.
        BaseException: whatever the executor raises.

    """
    here = context.current()
    dispatch_id = here.dispatch_id or ""
    job = {"dispatch_id": dispatch_id, "node_id": sheet.id}
    if here.control is not None:
        here.control.cancel_with(lambda: waited_for(executor.cancel(job, None)))
    with _Limit(sheet, here.control) as limit:
        try:
            outcome = executor.execute(
                function, list(args), dict(kwargs), dispatch_id, "", node_id=sheet.id
            )
            return attachments.unloaded(waited_for(outcome, limit))
        except BaseException as exc:
            attachments.unloaded(exc)
            if not limit.has_passed and here.control is not None and here.control.is_cancelled():
                raise TaskCancelledError(f"electron {sheet.id} was cancelled") from exc
            raise


def keep_streams(executor: Executor, streams: Streams, dispatch_id: str) -> None:
    """Write what the electron has printed to the files of `log_stdout` and `log_stderr`, if it has any."""
    names = "stdout", "stderr"
    paths = [str(getattr(executor, f"log_{name}", "") or "") for name in names]
    write: Any = getattr(executor, "write_streams_to_file", None)
    if write is None or not any(paths):
        return
    try:
        texts = [streams.so_far(name) for name in names]
        waited_for(write(texts, paths, dispatch_id, ""))
    except Exception:  # noqa: BLE001  # the electron has ended as it has; its streams are in its record too
        write_error(f"The executor could not write its log files:\n{traceback.format_exc()}")


def waited_for(outcome: Any, limit: "_Limit | None" = None) -> Any:
    """The value, or that of an awaitable, which is cancelled when the limit has passed."""
    if not inspect.isawaitable(outcome):
        return outcome

    async def value() -> Any:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if limit is not None and task is not None:
            limit.stop = lambda: loop.call_soon_threadsafe(task.cancel)
        return await outcome

    return asyncio.run(value())


class _Limit:
    """Ends the job of an electron that takes too long; what comes of it then no longer counts.

    A function that is called in this process cannot be stopped from here: soon the state ends the process.
    """

    def __init__(self, sheet: Sheet, control: context.Control | None) -> None:
        self._sheet = sheet
        self._control = control
        self._timer = threading.Timer(sheet.time_limit, self._end)
        self._timer.daemon = True
        self.has_passed = False
        self.stop: Callable[[], object] = lambda: None

    def _end(self) -> None:
        self.has_passed = True
        if self._control is not None:
            self._control.cancel_jobs()
        with suppress(RuntimeError):  # it has ended meanwhile, and its loop is closed
            self.stop()

    def __enter__(self) -> Self:
        if self._sheet.time_limit > 0:
            self._timer.start()
        return self

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        self._timer.cancel()
        if self.has_passed:
            self._timer.join(PATIENCE)
            raise TimeLimitPassed(
                f"electron {self._sheet.id} did not end within its time limit of {self._sheet.time_limit:g} s"
            ) from exc
