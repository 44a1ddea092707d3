"""What a state waits for ends when the state is stopped, not only when the server goes.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- what waits for a task token waits on when its branch or its execution was stopped -> ends
- an execution that is stopped as it starts runs nevertheless -> does not
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramRunning
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from covalent_localstack.patching import replace

_stock_stop = Environment.set_stop
_stock_error = Environment.set_error
_stock_timed_out = Environment.set_timed_out
_stock_environment = ExecutionWorker._get_evaluation_environment
_stock_wait = StateTaskServiceCallback._eval_wait_for_task_token


@contextmanager
def ended_with(env: Any, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` if the environment stops, times out or fails within the block, or has done so before it.

    Args:
        env: the environment of the state, of which moto makes one per execution, branch and iteration.
        end: ends what the block waits for. May be called more than once, and must not wait.

    """
    ends = env.__dict__.setdefault("ends", [])
    ends.append(end)
    try:
        if not env.is_running():
            end()
        yield
    finally:
        ends.remove(end)


def _ended(env: Any) -> None:
    for end in list(env.__dict__.get("ends", ())):
        end()


def _stop(self: Any, stop_date: Any, cause: str | None, error: str | None) -> None:
    _stock_stop(self, stop_date, cause, error)
    _ended(self)


def _time_out(self: Any) -> None:
    _stock_timed_out(self)
    _ended(self)


def _environment(self: Any) -> Any:
    """Made before the thread that uses it, and counted as running from then on."""
    if self.env is None:
        self.env = _stock_environment(self)
        self.env._program_state = ProgramRunning()
    return self.env


def _fail(self: Any, error: Any) -> None:
    _stock_error(self, error)
    _ended(self)


def _wait_for_token(
    self: Any, env: Any, timeout_seconds: int, callback_endpoint: Any, heartbeat_endpoint: Any
) -> Any:
    with ended_with(env, callback_endpoint.interrupt_all):
        return _stock_wait(self, env, timeout_seconds, callback_endpoint, heartbeat_endpoint)


def install() -> None:
    """Repair moto."""
    replace(Environment, "set_stop", _stop)
    replace(Environment, "set_timed_out", _time_out)
    replace(Environment, "set_error", _fail)
    replace(ExecutionWorker, "_get_evaluation_environment", _environment)
    replace(StateTaskServiceCallback, "_eval_wait_for_task_token", _wait_for_token)
