"""How moto's interpreter evaluates states: repaired and made cheap.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- a task costs a thread and a branch two, used or not -> a thread per branch, none per task
- every thread is kept for ever -> forgotten
- a task that timed out runs on -> its worker is killed, as AWS stops a timed out Lambda task
- `lambda:invoke` makes a boto3 client and an HTTP request -> calls the function
- a `States.*` error inside a Parallel fails the execution -> reaches Retry and Catch of the Parallel
- `$.a[0].b` gives a list -> the value, and plain paths need no parser
- every ResultPath is parsed whenever it is used -> once
- a retried `.waitForTaskToken` sees the outcome of its first try -> a new token for every try
- each failure writes the whole definition to the log -> one line
"""

import json
import logging
import re
from functools import lru_cache, partial
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser import utils as parser_utils
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branch_worker import (
    BranchWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import (
    StateParallel,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_batch import (
    StateTaskServiceBatch,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.utils import json_path

from covalent_localstack import lambdas, pool, threads
from covalent_localstack.environment import ACCOUNT
from covalent_localstack.patching import rebind, replace

LOG = logging.getLogger(__name__)
LambdaTask = state_task_service_lambda.StateTaskServiceLambda
_KEEP_THEIR_LIMIT = (
    LambdaTask,
    StateTaskServiceBatch,
    StateTaskServiceEcs,
    StateTaskServiceSfn,
    StateParallel,
)
_WAIT = ResourceCondition.WaitForTaskToken

_stock_evaluate = ExecutionState._evaluate_with_timeout
_stock_program = Program.eval


def _runs_inline(state: Any) -> bool:
    """Whether the state keeps its time limit itself: it has none, or its task does."""
    return bool(state.timeout.is_default_value() or isinstance(state, _KEEP_THEIR_LIMIT))


def _evaluate(self: Any, env: Any) -> None:
    _renew_token(env)
    if not _runs_inline(self) or env.is_mocked_mode():
        _stock_evaluate(self, env)
        return
    stack = list(env.stack)
    try:
        self._eval_execution(env)
        output = env.stack.pop() if env.stack else None
    except Exception:
        if env.is_running():
            raise
        return  # the execution was stopped, and with it what it ran
    finally:
        env.stack[:] = stack
    if env.is_running():
        _finish(self, env, output)


def _finish(state: Any, env: Any, output: Any) -> None:
    """What moto does with the output of a task."""
    env.stack.append(output)
    if not state._is_language_query_jsonpath():
        env.states.set_result(output)
    for step in (state.assign_decl, state.result_selector):
        if step:
            step.eval(env=env)
    if state.result_path:
        state.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())


def _renew_token(env: Any) -> None:
    context = env.states.context_object.context_object_data
    if context["State"]["RetryCount"] and "Task" in context:
        env.callback_pool_manager.add(env.states.context_object.update_task_token())


def _eval_program(self: Any, env: Any) -> None:
    if self.timeout_seconds is not None:
        _stock_program(self, env)
        return
    if env._program_state is None or env.is_running():  # else it was stopped before it began
        env.next_state_name = self.start_at.start_at_name
        EvalComponent.eval(self, env)


def _start_branch(self: Any) -> None:
    # What moto's own routine does besides is to log the thread, which a thread that just starts has not got yet.
    threads.start(partial(_run_branch, self), "branch")


def _run_branch(branch: Any) -> None:
    try:
        branch._program.eval(branch.env)
        branch._branch_worker_comm.on_terminated(env=branch.env)
    except Exception:
        if branch.env.is_running():
            raise  # else the execution was stopped before the branch began


def _eval_lambda(
    self: Any,
    env: Any,
    resource_runtime_part: Any,
    normalised_parameters: Any,
    state_credentials: Any,
) -> None:
    del state_credentials
    limit = 0.0 if self.resource.condition == _WAIT else limit_of(self, env) or 0.0
    execution = env.states.context_object.context_object_data["Execution"]["Id"]
    env.stack.append(_invoke(normalised_parameters, resource_runtime_part.region, execution, limit))


def limit_of(state: Any, env: Any) -> float | None:
    """The time limit of a state in seconds, if it has one."""
    if state.timeout.is_default_value():
        return None
    state.timeout.eval(env=env)
    return float(env.stack.pop())


def _invoke(parameters: Any, region: str, execution: str, limit: float) -> dict[str, Any]:
    payload = json.loads(parameters.get("Payload") or b"{}")
    try:
        backend = lambda_backends[ACCOUNT][region]
        function = backend.get_function(parameters["FunctionName"], parameters.get("Qualifier"))
        answer = lambdas.current().invoke(function, payload, limit=limit, owner=execution)
    except JsonRESTError as exc:
        raise client_error(exc, "Invoke") from exc
    except pool.TimedOut as exc:
        raise EvalTimeoutError from exc
    if "error" in answer:
        text = json.dumps(answer["error"], separators=(",", ":"))
        raise lambda_eval_utils.LambdaFunctionErrorException("Unhandled", text)
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": json.loads(answer["result"]),
        "StatusCode": 200,
        "SdkHttpMetadata": {"HttpStatusCode": 200},
    }


def client_error(exc: JsonRESTError, operation: str) -> Exception:
    """An error of moto's as boto would raise it."""
    from botocore.exceptions import ClientError  # noqa: PLC0415  # only a failure needs botocore

    response: Any = {
        "Error": {"Code": exc.error_type, "Message": exc.message},
        "ResponseMetadata": {"HTTPStatusCode": exc.code, "RequestId": "local"},
    }
    return ClientError(response, operation)


def error_name(error_name: str | None) -> ErrorName:
    """The name of an error that happened, which may be one of AWS' own."""
    try:
        return StatesErrorName.from_name(error_name or "")
    except ValueError:
        made = CustomErrorName(None)
        made.error_name = error_name
        return made


_PLAIN = re.compile(r"\$(?:\.[A-Za-z_][\w-]*|\['[^']*'\]|\[\d+\])*")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\['([^']*)'\]|\[(\d+)\]")
_stock_extract = json_path.extract_json


@lru_cache(8192)
def _steps(path: str) -> tuple[str | int, ...] | None:
    """The steps of a path that names exactly one place."""
    if not _PLAIN.fullmatch(path):
        return None
    return tuple(int(at) if at else name or quoted for name, quoted, at in _STEP.findall(path))


def _extract_json(path: str, data: Any) -> Any:
    steps = _steps(path)
    if steps is None:
        return _stock_extract(path, data)
    found = data
    try:
        for step in steps:
            if isinstance(step, int) != isinstance(found, list):
                raise KeyError(step)
            found = found[step]
    except (KeyError, IndexError, TypeError) as exc:
        raise json_path.NoSuchJsonPathError(json_path=path, data=data) from exc
    return found


def _log_failure(self: Any, failure_event_exception: Any) -> None:
    LOG.debug("%s: %s", type(self).__name__, failure_event_exception)


def _log_exception(self: Any, exception: Exception) -> None:
    LOG.debug("%s: %r", type(self).__name__, exception)


class _Forgetful(list[Any]):
    """moto keeps every thread it ever started, for its own tests."""

    def append(self, _: Any) -> None:
        """Keep nothing."""


def install() -> None:
    """Repair moto."""
    replace(ExecutionState, "_evaluate_with_timeout", _evaluate)
    replace(Program, "eval", _eval_program)
    replace(BranchWorker, "start", _start_branch)
    replace(LambdaTask, "_eval_service_task", _eval_lambda)
    replace(EvalComponent, "_log_failure_event_exception", _log_failure)
    replace(EvalComponent, "_log_exception", _log_exception)
    for module in (branches_decl, state_task_service_callback, state_task_service_lambda):
        replace(module, "CustomErrorName", error_name)
    replace(result_path, "parse", lru_cache(8192)(result_path.parse))
    replace(json_path, "parse", lru_cache(8192)(json_path.parse))
    rebind("moto.stepfunctions", "extract_json", _extract_json)
    rebind("moto.stepfunctions", "TMP_THREADS", _Forgetful(parser_utils.TMP_THREADS[:0]))
