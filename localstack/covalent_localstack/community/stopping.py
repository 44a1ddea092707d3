"""Executions that were stopped stay so.

Defect of LocalStack: an execution that is stopped waits for the task that runs, and if that fails, as a function does
whose process ends itself, the execution has failed instead.
"""

from typing import Any

from localstack.runtime import hooks


@hooks.on_infra_start()
def repair_stopped_executions() -> None:
    """Put a look at whether it was stopped in front of what makes an execution a failed one."""
    from localstack.services.stepfunctions.asl.eval.environment import (  # noqa: PLC0415  # takes a second
        Environment,
    )
    from localstack.services.stepfunctions.asl.eval.program_state import (  # noqa: PLC0415  # comes with it
        ProgramStopped,
    )

    stock = Environment.set_error

    def set_error(self: Any, error: Any) -> None:
        if self.is_frame() or not isinstance(self.program_state(), ProgramStopped):
            stock(self, error)

    Environment.set_error = set_error
