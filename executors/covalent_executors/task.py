"""What Step Functions calls for one electron. The compiler alone adds `Next`, `End`, `Retry` and `Catch`."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RunnerEvent:
    """Stands for the event that the compiler hands to the runner."""


Argument = str | int | bool | RunnerEvent | Mapping[str, "Argument"]


@dataclass(frozen=True)
class TaskTemplate:
    """One call of a service.

    resource and parameters are those of the Task state. transient names the errors of the service that are worth
    another try at once. time_limit is in seconds (0: none), retries is how often a failed electron runs again.
    """

    resource: str
    parameters: Mapping[str, Argument]
    transient: tuple[str, ...] = ()
    time_limit: float = 0
    retries: int = 0


LAMBDA_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""What AWS advises to retry:
https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
"""


def lambda_task(function: str, *, time_limit: float = 0, retries: int = 0) -> TaskTemplate:
    """Invoke a Lambda function and wait for it."""
    return TaskTemplate(
        resource="arn:aws:states:::lambda:invoke",
        parameters={"FunctionName": function, "Payload": RunnerEvent()},
        transient=LAMBDA_ERRORS,
        time_limit=time_limit,
        retries=retries,
    )
