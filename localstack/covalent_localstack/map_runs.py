"""Distributed Maps: a Map Run and its child executions.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- ItemBatcher is refused -> batches
- failed items become null and the Map succeeds -> count against the tolerated failures
- all items run at once, as part of the parent -> as executions of their own, not many at once
- DescribeMapRun asks every execution -> looked up
"""

import threading
from collections import deque
from typing import Any
from weakref import WeakValueDictionary

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import ResourceNotFound
from moto.stepfunctions.parser.api import (
    ExecutionStatus,
    HistoryEventType,
    MapRunFailedEventDetails,
    MapRunStartedEventDetails,
    MapRunStatus,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    MapRunRecord,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from covalent_localstack import evaluation, executions, map_items
from covalent_localstack.children import Parent
from covalent_localstack.crew import Stopped, work_off
from covalent_localstack.patching import replace

CHILDREN = 16
"""Child executions of one Map Run at once. AWS runs thousands; here each may have 40 threads. Nobody sees the
difference, as long as items do not wait for each other: what is in our Maps is independent."""
KEPT = 10
"""Child executions of a Map Run that can be looked at after their end; each may have thousands of events."""

EXCEEDED = "States.ExceedToleratedFailureThreshold"
_COUNTED = {
    ExecutionStatus.SUCCEEDED: "succeeded",
    ExecutionStatus.TIMED_OUT: "timed_out",
    ExecutionStatus.ABORTED: "aborted",
    ExecutionStatus.FAILED: "failed",
}
_runs: WeakValueDictionary[str, "_MapRun"] = WeakValueDictionary()
_stock_list = StepFunctionResponse.list_executions


class _MapRun:
    """One run of a distributed Map."""

    def __init__(self, state: Any, env: Any, record: Any) -> None:
        self.record = record
        self.children: deque[Any] = deque(maxlen=KEPT)
        self.outputs: dict[int, Any] = {}
        self._running: set[Any] = set()
        self._is_over = False
        self._lock = threading.Lock()
        program = state.iteration_component._get_iteration_program()
        self._parent = Parent(env, record.map_state_machine_arn, program)

    def run(self, job: tuple[int, tuple[Any, int]]) -> None:
        """Run a child, unless all was stopped meanwhile.

        Raises:
            FailureEventException: too many have failed.

        """
        index, (event, count) = job
        child = self._parent.child(event)
        with self._lock:
            if self._is_over:
                return
            executions.begin(child)
            self._running.add(child)
            self._count("running", 1, count)
            self._count("pending", -1, -count)
        child.exec_worker.start()
        with self._lock:
            self._running.discard(child)
            self.children.append(child)
            self._count("running", -1, -count)
            self._count(_COUNTED[child.exec_status], 1, count)
        if child.exec_status == ExecutionStatus.SUCCEEDED:
            self.outputs[index] = child.output
            with self._lock:
                self._count("results_written", 1, count)
        elif self._is_exceeded():
            raise _Exceeded

    def known(self) -> list[Any]:
        """Children that run, and the last that ended."""
        with self._lock:
            return [*self._running, *self.children]

    def abort(self) -> None:
        """Stop the children that run, and let none start any more."""
        with self._lock:
            self._is_over = True
            running = list(self._running)
        for child in running:
            executions.stop(child)

    def expect(self, executions: int, items: int) -> None:
        """Say how much there is to do."""
        self._count("total", executions, items)
        self._count("pending", executions, items)

    def _count(self, what: str, executions: int, items: int) -> None:
        getattr(self.record.execution_counter, what).offset(executions)
        getattr(self.record.item_counter, what).offset(items)

    def _is_exceeded(self) -> bool:
        """Whether too many items have failed. A limit that is 0 beside another one was not given."""
        counter = self.record.item_counter
        failed = counter.failed.get() + counter.timed_out.get() + counter.aborted.get()
        count, share = self.record.tolerated_failure_count, self.record.tolerated_failure_percentage
        if count and failed > count:
            return True
        return bool((share or not count) and failed * 100 > share * counter.total.get())


class _Exceeded(Exception):
    """Too many children have failed."""


def run(state: Any, env: Any, items: list[Any] | None, width: int) -> list[Any]:
    """Run a distributed Map.

    Args:
        state: the state.
        env: its environment, with the input of the state on top of the stack.
        items: None if the ItemReader of the state gets them.
        width: MaxConcurrency, 0 for no limit.

    Returns:
        The outputs of the children that succeeded.

    Raises:
        FailureEventException: too many have failed.
        Stopped: the state was stopped.

    """
    record = _record(state, env, width)
    details = MapRunStartedEventDetails(mapRunArn=record.map_run_arn)
    executions.record(env, HistoryEventType.MapRunStarted, mapRunStartedEventDetails=details)
    try:
        outputs = _run(state, env, record, items)
    except Stopped:
        record.set_stop(status=MapRunStatus.ABORTED)
        raise
    except Exception as exc:
        record.set_stop(status=MapRunStatus.FAILED)
        failure = _failure(env, exc)
        executions.record(env, failure.event_type, **failure.event_details)
        raise FailureEventException(failure) from exc
    record.set_stop(status=MapRunStatus.SUCCEEDED)
    env.event_manager.add_event(
        context=env.event_history_context, event_type=HistoryEventType.MapRunSucceeded
    )
    return outputs


def _record(state: Any, env: Any, width: int) -> Any:
    for each in (state.tolerated_failure_count_decl, state.tolerated_failure_percentage_decl):
        each.eval(env=env)
    percentage, count = env.stack.pop(), env.stack.pop()
    context = env.states.context_object.context_object_data
    record = MapRunRecord(
        state_machine_arn=context["StateMachine"]["Id"],
        execution_arn=context["Execution"]["Id"],
        max_concurrency=width,
        tolerated_failure_count=count,
        tolerated_failure_percentage=percentage,
        label=state.label.label if state.label else None,
    )
    env.map_run_record_pool_manager.add(record)
    return record


def _run(state: Any, env: Any, record: Any, items: list[Any] | None) -> list[Any]:
    if items is None:
        state.item_reader.eval(env=env)
        items = env.stack.pop()
    inputs = list(map_items.batches(state, env, items or []))
    made = record.run = _MapRun(state, env, record)
    _runs[record.map_run_arn] = made
    made.expect(len(inputs), len(items or []))
    try:
        work_off(
            env, enumerate(inputs), made.run, min(record.max_concurrency or CHILDREN, CHILDREN)
        )
    except Exception:
        made.abort()
        raise
    return [made.outputs[index] for index in sorted(made.outputs)]


def _failure(env: Any, exc: Exception) -> FailureEvent:
    error, cause = "States.Runtime", str(exc)
    if isinstance(exc, _Exceeded):
        error, cause = EXCEEDED, "The specified tolerated failure threshold was exceeded"
    elif isinstance(exc, FailureEventException):
        error, cause = exc.extract_error_cause_pair() or (error, cause)
    return FailureEvent(
        env=env,
        error_name=evaluation.error_name(error),
        event_type=HistoryEventType.MapRunFailed,
        event_details=EventDetails(
            mapRunFailedEventDetails=MapRunFailedEventDetails(error=error or "", cause=cause or "")
        ),
    )


def _find(arn: str) -> _MapRun:
    found = _runs.get(arn)
    if found is None:
        raise ResourceNotFound(arn)
    return found


def _describe(self: Any, map_run_arn: str) -> Any:
    del self
    return _find(map_run_arn).record.describe()


def _respond_list(self: Any) -> ActionResult:
    arn = self._get_param("mapRunArn")
    if not arn:
        return _stock_list(self)
    wanted = self._get_param("statusFilter")
    known = [each for each in _find(arn).known() if wanted in (None, each.status)]
    return ActionResult({"executions": [_listed(each, arn) for each in known]})


def _listed(child: Any, arn: str) -> dict[str, Any]:
    listed: dict[str, Any] = dict(child.to_execution_list_item())
    return {**listed, "mapRunArn": arn}


def install() -> None:
    """Repair moto."""
    _runs.clear()
    replace(StepFunctionsParserBackend, "describe_map_run", _describe)
    replace(StepFunctionResponse, "list_executions", _respond_list)
