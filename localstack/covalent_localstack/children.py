"""The child executions of a distributed Map."""

import copy
import datetime
import json
import uuid
from typing import Any

from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from covalent_localstack import executions


class _ChildWorker(ExecutionWorker):  # type: ignore[misc]  # moto is not type-checked
    """Runs a program in the calling thread."""

    program: Any = None

    def _get_evaluation_entrypoint(self) -> Any:
        return self.program

    def start(self) -> None:
        self._execution_logic()


class Child(Execution):  # type: ignore[misc]  # as above
    """An execution of the ItemProcessor of a distributed Map."""

    program: Any = None

    def _get_start_execution_worker(self) -> ExecutionWorker:
        made = _ChildWorker(
            evaluation_details=super()._get_start_execution_worker()._evaluation_details,
            exec_comm=self._get_start_execution_worker_comm(),
            cloud_watch_logging_session=None,
            activity_store=self._activity_store,
        )
        made.program = self.program
        return made


class Parent:
    """What the children of one Map Run have in common."""

    def __init__(self, env: Any, machine_arn: str, program: Any) -> None:
        arn = env.states.context_object.context_object_data["Execution"]["Id"]
        self._execution = executions.find(arn)
        self._machine = copy.copy(self._execution.state_machine)
        self._machine.arn = machine_arn
        self._program = program
        prefix = arn.partition(":execution:")[0]
        self._prefix = f"{prefix}:execution:{machine_arn.partition(':stateMachine:')[2]}"

    def child(self, event: Any) -> Child:
        """Make a child that runs, in the thread that starts it, with an input of its own."""
        name = str(uuid.uuid4())
        made = Child(
            name=name,
            sm_type=self._execution.sm_type,
            role_arn=self._execution.role_arn,
            exec_arn=f"{self._prefix}:{name}",
            account_id=self._execution.account_id,
            region_name=self._execution.region_name,
            state_machine=self._machine,
            start_date=datetime.datetime.now(datetime.UTC),
            cloud_watch_logging_session=None,
            activity_store={},
            input_data=json.dumps(event, separators=(",", ":")),
        )
        made.program = self._program
        return made
