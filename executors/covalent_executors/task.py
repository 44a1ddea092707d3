"""What Step Functions calls for one electron. The compiler alone adds `Next`, `End`, `Retry` and `Catch`.

An electron is one call, the runner's, or several in a row: `TaskTemplate` is the first, its `then` are the others. Each
is a state; what one of them keeps of its answer, later ones can pass on. If one fails, the electron's line stops there,
and the report on it finds out what became of the electron.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class RunnerEvent:
    """Stands for the event that the compiler hands to the runner or the control plane: what to do, for which node."""

    do: Literal["run", "collect", "adopt", "bridge"] = "run"


@dataclass(frozen=True)
class Kept:
    """Stands for what an earlier step has kept under this name."""

    name: str


@dataclass(frozen=True)
class JobName:
    """Stands for the name of the electron's job: dispatch and node, and the try, if each of them is a job.

    A try that is submitted twice has the same name both times.
    """

    of_try: bool = True


@dataclass(frozen=True)
class Words:
    """Stands for what `python -m covalent_runner` reads from the variable COVALENT_ELECTRON.

    That is dispatch id, node and try in one string, and the task token after them if the runner has to answer. For an
    array of jobs a range of nodes stands there instead of one (`covalent_contracts.ranges`).
    """

    with_token: bool = False


@dataclass(frozen=True)
class Count:
    """Stands for the number of jobs in an array."""


@dataclass(frozen=True)
class JobOfArray:
    """Stands for a list of one id: that of the job which an array has for an electron.

    form: how the ids of jobs are made, with `{}` for the array's own and for the number of the job in it.
    """

    form: str


@dataclass(frozen=True)
class Machine:
    """Stands for the ARN of a state machine of the deployment's own, which is made of this definition."""

    definition: str


@dataclass(frozen=True)
class Script:
    """Stands for a script in base64, as EC2 takes it, in whose last line the `Words` stand, token and all.

    The script has to end before that line, and reads it as it likes (`tail -n 1 "$0"`).
    """

    text: str


Argument = (
    str
    | int
    | bool
    | RunnerEvent
    | Kept
    | JobName
    | Words
    | Count
    | JobOfArray
    | Machine
    | Script
    | Mapping[str, "Argument"]
    | Sequence["Argument"]
)

ELECTRON_ERRORS = ("ElectronFailed", "States.Timeout")
"""How a failed try shows where Step Functions calls the runner. Never `UpstreamFailed`: it is final."""
JOB_ERRORS = ("States.TaskFailed", *ELECTRON_ERRORS)
"""How it shows where Step Functions waits for a job or an execution."""
CALLBACK_ERRORS = (
    *ELECTRON_ERRORS,
    "ElectronLost",
    "States.HeartbeatTimeout",
    "TimeLimitExceeded",
)
"""How it shows where the runner, or who stands beside it (`covalent_runner.callback`), answers."""
CALL_EVENTS = 5
"""Entries in the history for a call: entered, scheduled, started, succeeded, exited."""
JOB_EVENTS = 6
"""For one that waits for a job or an execution: its submission too."""
REFUSAL_EVENTS = 3
"""For one that is refused and tried again: scheduled, started, failed."""
REFUSALS = 4
"""How often that happens to one of many that are started at once, where only so many may be."""


@dataclass(frozen=True)
class Step:
    """A further call for an electron, after those before it have succeeded.

    label goes in front of the electron's name in that of the state. resource, parameters and transient are as in
    `TaskTemplate`. keeps: what of the answer later steps may name (`Kept`), and the paths to it. is_job tells that the
    state waits for what it has started.
    """

    label: str
    resource: str
    parameters: Mapping[str, Argument]
    transient: tuple[str, ...] = ()
    keeps: Mapping[str, str] = field(default_factory=dict)
    is_job: bool = False

    @property
    def events(self) -> int:
        """Entries in the history."""
        return JOB_EVENTS if self.is_job else CALL_EVENTS


@dataclass(frozen=True)
class Array:
    """How the jobs of many electrons are started by one call, whose parameters are those for one electron, and more.

    What has no result when the array has ended, and may be tried again, is then a job of its own. The call fails if one
    job in it has; the cause then tells of the array what it would tell of a job (`covalent_runner.causes`).

    least, most: how many electrons it is for. parameters: those that only an array has. refused: the errors of a call
    that has started nothing; `States.TaskFailed`, which says that a job has failed, matches them as well. describe and
    asked: the call that tells what became of the job of one electron, and its parameters; told is the path to a list in
    its answer: of that job, or empty if it is known no more.
    """

    least: int
    most: int
    parameters: Mapping[str, Argument]
    refused: tuple[str, ...]
    describe: str
    asked: Mapping[str, Argument]
    told: str


@dataclass(frozen=True)
class TaskTemplate:
    """One call of a service, and the steps after it, if it is not all that the electron takes.

    resource and parameters are those of the Task state. transient names the errors of the service that are worth
    another try at once. time_limit is in seconds (0: none), retries is how often a failed electron runs again, which is
    told by the errors that `failures` names; all three are of the first call, which is where users' code runs.
    heartbeat: seconds after which a job that does not say that it lives is lost (0: it need not). is_job tells that the
    state waits for what it has started. margin: seconds that the state gets beyond the limit of the electron, where
    something else holds the electron to that and may have to start first, or might not come to it. full names the
    errors which mean that no more may run at once: the state tries again, less and less often, for about a day.
    ends_itself: whether what runs the electron ends it when its time is up; then the state does not, and the time for
    which a job waits for a machine does not count. What repeats a failed electron itself has no `failures`.
    array: how such electrons are started together, if they can be. refused: the errors of a call that has started
    nothing, nor ever will: without them `States.TaskFailed`, which matches all errors but that of time, would spend the
    electron's retries on them.
    """

    resource: str
    parameters: Mapping[str, Argument]
    transient: tuple[str, ...] = ()
    time_limit: float = 0
    retries: int = 0
    then: tuple[Step, ...] = ()
    failures: tuple[str, ...] = ELECTRON_ERRORS
    heartbeat: float = 0
    is_job: bool = False
    full: tuple[str, ...] = ()
    ends_itself: bool = False
    margin: float = 0
    array: Array | None = None
    refused: tuple[str, ...] = ()

    @property
    def timeout(self) -> float:
        """Seconds after which the state ends; 0 for never."""
        is_limited = self.time_limit > 0 and not self.ends_itself
        return self.time_limit + self.margin if is_limited else 0

    @property
    def states(self) -> int:
        """How many states the electron takes."""
        return 1 + len(self.then)

    @property
    def events(self) -> int:
        """How many entries of the history."""
        first = JOB_EVENTS if self.is_job else CALL_EVENTS
        refused = REFUSAL_EVENTS * REFUSALS if self.full else 0
        return first + refused + sum(step.events for step in self.then)


LAMBDA_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""What AWS advises to retry:
https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
"""
START_ERRORS = (
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.SdkClientException",
    "StepFunctions.StateMachineDoesNotExistException",
    "StepFunctions.SfnException",
    "StepFunctions.ThrottlingException",
)
"""What passes when a nested execution is started too fast, or Step Functions has a bad moment."""
INVOKE = "arn:aws:states:::lambda:invoke"
EXECUTE = "arn:aws:states:::states:startExecution.sync:2"


def lambda_task(
    function: str, *, time_limit: float = 0, retries: int = 0, margin: float = 0
) -> TaskTemplate:
    """Invoke a Lambda function and wait for it."""
    return TaskTemplate(
        resource=INVOKE,
        parameters={"FunctionName": function, "Payload": RunnerEvent()},
        transient=LAMBDA_ERRORS,
        time_limit=time_limit,
        retries=retries,
        margin=margin,
    )
