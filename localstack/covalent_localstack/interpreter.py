"""How a state fails that waits for a job, in the interpreter that moto has taken over from LocalStack.

Both have the same classes, in modules of other names; these are imported when they are needed: it takes a second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from botocore.exceptions import ClientError

ABANDONED = "the state that waited for it was stopped, or has timed out"


@dataclass(frozen=True)
class Interpreter:
    """An interpreter of states. api, asl: the module of its data types, and the package of the language."""

    api: str
    asl: str

    def ended(self, state: Any, env: Any, task: Any) -> Any:
        """The document of a task of ECS that has ended.

        Raises:
            Exception: the interpreter's own, States.TaskFailed: a container has failed, or has never started.

        """
        if all(each.get("ExitCode") == 0 for each in task["Containers"]):
            return task
        cause = self._module("utils.encoding").to_json_str(task)
        errors = self._module("component.common.error_name.failure_event")
        raise errors.FailureEventException(self._failure(state, env, "States.TaskFailed", cause))

    def naming(self, stock: Callable[..., Any]) -> Callable[..., Any]:
        """Tell by its name what ECS refuses, and all else as `stock` does."""

        def from_error(state: Any, env: Any, ex: Exception) -> Any:
            if not isinstance(ex, ClientError):
                return stock(state, env=env, ex=ex)
            refused = ex.response["Error"]
            return self._failure(state, env, f"ECS.{refused['Code']}", refused["Message"])

        return from_error

    def _failure(self, state: Any, env: Any, error: str, cause: str) -> Any:
        api = import_module(self.api)
        details = api.TaskFailedEventDetails(
            resource=state._get_sfn_resource(),
            resourceType=state._get_sfn_resource_type(),
            error=error,
            cause=cause,
        )
        event_detail = self._module("eval.event.event_detail")
        return self._module("component.common.error_name.failure_event").FailureEvent(
            env=env,
            error_name=self._error_name(error),
            event_type=api.HistoryEventType.TaskFailed,
            event_details=event_detail.EventDetails(taskFailedEventDetails=details),
        )

    def _error_name(self, error: str) -> Any:
        names = "component.common.error_name"
        if error.startswith("States."):
            return self._module(f"{names}.states_error_name").StatesErrorName.from_name(error)
        return self._module(f"{names}.custom_error_name").CustomErrorName(error)

    def _module(self, name: str) -> Any:
        return import_module(f"{self.asl}.{name}")


MOTO = Interpreter("moto.stepfunctions.parser.api", "moto.stepfunctions.parser.asl")
LOCALSTACK = Interpreter(
    "localstack.aws.api.stepfunctions", "localstack.services.stepfunctions.asl"
)
