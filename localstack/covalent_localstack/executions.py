"""Executions of state machines: started, stopped and told about as on AWS.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- StopExecution waits for running tasks, never ends token waits, drops error and cause -> immediate; workers are
  killed
- executions without a name are all called `None` -> a UUID
- SendTaskFailure drops the cause; a token is looked for in every execution -> kept; looked up
- SendTaskHeartbeat fails for a task without HeartbeatSeconds -> accepted
- GetExecutionHistory ignores paging and reverseOrder, and copies everything each time -> pages
- DescribeExecution tells of an end before there is an output -> of all of it, or not yet
- DescribeExecution of a TIMED_OUT execution has no stopDate; an output that is a string is not JSON -> has; is
"""

import datetime
import json
import threading
import uuid
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.parser.api import (
    ExecutionStatus,
    HistoryEventType,
    InvalidToken,
    TaskTimedOut,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackNotifyConsumerError,
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackPoolManager,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from covalent_localstack import events, lambdas
from covalent_localstack.patching import replace

PAGE = 100
_tokens: WeakValueDictionary[str, Any] = WeakValueDictionary()
_executions: WeakValueDictionary[str, Any] = WeakValueDictionary()
_starting, _ending = threading.Lock(), threading.Lock()

_stock_add = CallbackPoolManager.add
_stock_start_execution = StepFunctionsParserBackend.start_execution
_stock_find = StepFunctionsParserBackend.describe_execution
_stock_reflect = BaseExecutionWorkerCommunication._reflect_execution_status
_stock_describe = StepFunctionResponse.describe_execution


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _start_execution(
    self: Any,
    state_machine_arn: str,
    name: str | None = None,
    execution_input: str | None = None,
    trace_header: str | None = None,
) -> Any:
    name = name or str(uuid.uuid4())
    with _starting:  # of two requests with one name, one starts it
        return _stock_start_execution(self, state_machine_arn, name, execution_input, trace_header)


def _start(self: Any) -> None:
    begin(self)
    self.exec_worker.start()


def begin(execution: Any) -> None:
    """Count an execution as running: from now on it can be stopped, even before its worker starts."""
    execution.ended = threading.Event()
    execution.exec_worker = execution._get_start_execution_worker()
    execution.exec_worker._get_evaluation_environment()  # kept
    execution.exec_status = ExecutionStatus.RUNNING
    _executions[execution.exec_arn] = execution
    events.announce(execution)


def _reflect(self: Any) -> None:
    with _ending:
        if self.execution.exec_status != ExecutionStatus.RUNNING:
            return
        _stock_reflect(self)
    self.execution.ended.set()
    events.announce(self.execution)


def find(arn: str) -> Any:
    """A started execution, or None."""
    return _executions.get(arn)


def stop(execution: Any, error: str | None = None, cause: str | None = None) -> None:
    """Stop an execution, and all that runs for it, unless it has ended."""
    if _halt(execution, _now(), error, cause):
        lambdas.current().workers.cancel(execution.exec_arn)
        events.announce(execution)


def _stop(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
    del stop_date
    stop(self, error, cause)


def halt_all() -> None:
    """Stop every execution and tell nobody: the server goes away."""
    running = [each for each in list(_executions.values()) if each.status == "RUNNING"]
    # Those that others started first, or they would be stopped aloud.
    for execution in reversed(running):
        _halt(execution, _now(), None, None)


def _halt(self: Any, stop_date: Any, error: str | None, cause: str | None) -> bool:
    with _ending:
        if self.exec_status != ExecutionStatus.RUNNING:
            return False
        self.exec_status = ExecutionStatus.ABORTED
        self.stop_date = stop_date
        self.error, self.cause = error or None, cause or None
    env = self.exec_worker.env
    env.set_stop(stop_date=stop_date, cause=cause, error=error)
    details = {"error": error, "cause": cause}
    record(env, HistoryEventType.ExecutionAborted, executionAbortedEventDetails=details)
    # Branches that are still running must not write below the end.
    env.event_manager.add_event = lambda **_: 0
    self.ended.set()
    return True


def record(env: Any, event: HistoryEventType, **details: Any) -> None:
    """Write an event into the history."""
    env.event_manager.add_event(
        context=env.event_history_context, event_type=event, event_details=EventDetails(**details)
    )


def _describe_execution(self: Any, execution_arn: str) -> Any:
    return find(execution_arn) or _stock_find(self, execution_arn)


def _respond_stop(self: Any) -> ActionResult:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    execution.stop(_now(), self._get_param("error"), self._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date})


def _respond_describe(self: Any) -> ActionResult:
    with _ending:  # moto sets the status before the output
        return _described(self)


def _described(self: Any) -> ActionResult:
    answer = _stock_describe(self)
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    if execution.stop_date is not None:
        answer.result["stopDate"] = execution.stop_date
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        answer.result["output"] = json.dumps(execution.output, separators=(",", ":"))
    return answer


def _add_token(self: Any, callback_id: str) -> Any:
    endpoint = _stock_add(self, callback_id)
    _tokens[callback_id] = self
    return endpoint


def _reach(token: str, act: Callable[[Any], Any]) -> EmptyResult:
    """Do something to the pool that has the token."""
    pool = _tokens.get(token)
    if pool is None:
        raise InvalidToken
    try:
        act(pool)
    except CallbackNotifyConsumerError as exc:
        raise TaskTimedOut from exc
    return EmptyResult()


def _deliver(token: str, outcome: CallbackOutcome) -> EmptyResult:
    return _reach(token, lambda pool: pool.notify(callback_id=token, outcome=outcome))


def _respond_success(self: Any) -> EmptyResult:
    token = self._get_param("taskToken")
    return _deliver(token, CallbackOutcomeSuccess(token, self._get_param("output")))


def _respond_failure(self: Any) -> EmptyResult:
    token = self._get_param("taskToken")
    error, cause = self._get_param("error"), self._get_param("cause")
    return _deliver(token, CallbackOutcomeFailure(token, error, cause))


def _respond_heartbeat(self: Any) -> EmptyResult:
    token = self._get_param("taskToken")
    return _reach(token, lambda pool: pool.heartbeat(callback_id=token))


def _notify_heartbeat(self: Any) -> bool:
    if self._heartbeat_endpoint:
        self._heartbeat_endpoint.notify()
    return True


def _respond_history(self: Any) -> ActionResult:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    history = list(execution.exec_worker.env.event_manager._history_event_list)
    if self._get_param("reverseOrder"):
        history.reverse()
    start = int(self._get_param("nextToken") or 0)
    end = start + int(self._get_param("maxResults") or PAGE)
    answer: dict[str, Any] = {"events": history[start:end]}
    if end < len(history):
        answer["nextToken"] = str(end)
    return ActionResult(answer)


def install() -> None:
    """Repair moto."""
    _executions.clear()
    replace(StepFunctionsParserBackend, "start_execution", _start_execution)
    replace(StepFunctionsParserBackend, "describe_execution", _describe_execution)
    replace(Execution, "start", _start)
    replace(Execution, "stop", _stop)
    replace(BaseExecutionWorkerCommunication, "_reflect_execution_status", _reflect)
    replace(CallbackPoolManager, "add", _add_token)
    replace(CallbackEndpoint, "notify_heartbeat", _notify_heartbeat)
    replace(StepFunctionResponse, "stop_execution", _respond_stop)
    replace(StepFunctionResponse, "describe_execution", _respond_describe)
    replace(StepFunctionResponse, "send_task_success", _respond_success)
    replace(StepFunctionResponse, "send_task_failure", _respond_failure)
    replace(StepFunctionResponse, "send_task_heartbeat", _respond_heartbeat)
    replace(StepFunctionResponse, "get_execution_history", _respond_history)
