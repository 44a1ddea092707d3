"""Map states.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- an inline Map without MaxConcurrency runs all its iterations at once, each with the whole input copied for its
  ItemSelector -> 40 at once, as on AWS, and no copy

`map_runs` has the distributed ones.
"""

from collections.abc import Iterator
from typing import Any

from moto.stepfunctions.parser.api import (
    EvaluationFailedEventDetails,
    HistoryEventType,
    MapIterationEventDetails,
    MapStateStartedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import (
    EventHistoryContext,
    EventManager,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError

from covalent_localstack import evaluation, executions, map_items, map_runs
from covalent_localstack.crew import work_off
from covalent_localstack.patching import replace

INLINE = 40
"""Iterations of an inline Map at once. https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html"""


def _evaluate(self: Any, env: Any) -> None:
    self.max_concurrency_decl.eval(env=env)
    width = env.stack.pop()
    items = _items(self, env)
    details = MapStateStartedEventDetails(length=len(items or ()))
    executions.record(env, HistoryEventType.MapStateStarted, mapStateStartedEventDetails=details)
    if isinstance(self.iteration_component, DistributedIterationComponent):
        output = map_runs.run(self, env, items, width)
    else:
        output = _iterate(self, env, items or [], width)
    env.stack.append(output)
    if self.result_writer:
        self.result_writer.eval(env)
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.MapStateSucceeded,
        update_source_event_id=False,
    )


def _items(state: Any, env: Any) -> list[Any] | None:
    """The items, or None if an ItemReader gets them."""
    if state.item_reader:
        return None
    source = state.items_path or state.items
    source.eval(env=env)
    items = env.stack.pop()
    if isinstance(items, list):
        return items
    error = evaluation.error_name("States.QueryEvaluationError")
    cause = f"Map state input must be an array but was: {type(items)}"
    details = EvaluationFailedEventDetails(cause=cause, error=error.error_name)
    raise FailureEventException(
        FailureEvent(
            env=env,
            error_name=error,
            event_type=HistoryEventType.EvaluationFailed,
            event_details=EventDetails(evaluationFailedEventDetails=details),
        )
    )


class _Iterations:
    """The iterations of one inline Map."""

    def __init__(self, state: Any, env: Any, items: list[Any]) -> None:
        self._state = state
        self._env = env
        self._program = state.iteration_component._get_iteration_program()
        self._select = map_items.selector(state, env)
        self._started = env.event_history_context.source_event_id
        self._running: dict[int, Any] = {}
        self._items = items
        self.outputs: list[Any] = [None] * len(items)

    def indexes(self) -> Iterator[int]:
        return iter(range(len(self._items)))

    def run(self, index: int) -> None:
        """Run one.

        Raises:
            FailureEventException: it failed.

        """
        frame = self._env.open_inner_frame(EventHistoryContext(self._started))
        self._running[index] = frame
        self._record(frame, index, "Started")
        frame.states.reset(self._select(frame, index, self._items[index]))
        self._program.eval(frame)
        end = frame._program_state
        if isinstance(end, ProgramEnded):
            self.outputs[index] = frame.states.get_input()
            self._record(frame, index, "Succeeded")
        elif isinstance(end, ProgramError):
            self._record(frame, index, "Failed")
        del self._running[index]
        self._env.close_frame(frame)
        if isinstance(end, ProgramError):
            raise self._failure(end.error)

    def abort(self) -> None:
        """Stop those that run."""
        for index, frame in list(self._running.items()):
            self._record(frame, index, "Aborted")
            frame.event_manager = EventManager()  # what still runs must not write below this
            frame.set_stop(stop_date=None, cause=None, error=None)
            self._env.close_frame(frame)

    def _record(self, frame: Any, index: int, what: str) -> None:
        details = MapIterationEventDetails(name=self._state.name, index=index)
        frame.event_manager.add_event(
            context=frame.event_history_context,
            event_type=HistoryEventType[f"MapIteration{what}"],
            event_details={f"mapIteration{what}EventDetails": details},
            update_source_event_id=what == "Started",
        )

    def _failure(self, error: Any) -> FailureEventException:
        return FailureEventException(
            FailureEvent(
                env=self._env,
                error_name=evaluation.error_name(error.get("error")),
                event_type=HistoryEventType.MapIterationFailed,
                event_details=EventDetails(executionFailedEventDetails=error),
            )
        )


def _iterate(state: Any, env: Any, items: list[Any], width: int) -> list[Any]:
    iterations = _Iterations(state, env, items)
    try:
        work_off(env, iterations.indexes(), iterations.run, min(width or INLINE, INLINE))
    except Exception:
        iterations.abort()
        raise
    return iterations.outputs


def install() -> None:
    """Repair moto."""
    replace(StateMap, "_eval_execution", _evaluate)
