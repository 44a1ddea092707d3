"""`python -m covalent_runner`: run one electron in a process that was started for it, with a role of its own.

What to run is in COVALENT_ELECTRON: dispatch id, node and try, and the task token of the state if it waits for an
answer (`callback`). Who started the process learns from its exit code how the try went. With COVALENT_TIME_LIMIT or a
token another process looks after it (`supervisor`).

In an array of jobs, which all have the same variables, a range of nodes stands there instead of a node. A job finds its
own by AWS_BATCH_JOB_ARRAY_INDEX, and its exit code tells Batch to start it again if the electron has another try.

AWS Batch starts a job again that has lost its machine, with the same variables but AWS_BATCH_JOB_ATTEMPT. That is
another try: nobody will commit what the first one has claimed.
"""

import os
import signal
import sys
from math import inf

from covalent_contracts import ranges
from covalent_contracts.envelope import ELECTRON, TIME_LIMIT, Run
from covalent_contracts.status import Status
from covalent_runner import hybrid_job, run, supervisor
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.exits import AGAIN, COMMITTED, FAILED, NOT_STARTED, TIMED_OUT
from covalent_runner.lambda_handler import store

BATCH_ATTEMPT = "AWS_BATCH_JOB_ATTEMPT"
BATCH_INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
BATCH_ATTEMPTS = 10
"""How often Batch starts a job at most."""


def main() -> int:
    """Run the electron.

    Raises:
        KeyError: nobody has told which.
        ValueError: it is no electron.

    """
    hybrid_job.enter(os.environ)
    dispatch_id, node, attempt, *token = os.environ[ELECTRON].split()
    event = Run(dispatch_id, _node(node), _try(int(attempt)))
    if token:
        from covalent_runner import callback  # noqa: PLC0415  # most jobs are waited for otherwise

        return callback.answer(store(), event, token[0])
    if TIME_LIMIT in os.environ:
        return _supervised()
    try:
        run.run(store(), event, lambda: inf)
    except UpstreamFailed as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # this is a program
        return NOT_STARTED
    except ElectronFailed as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # as above
        return AGAIN if ranges.is_written(node) and _may_run_again(event) else FAILED
    return COMMITTED


def _may_run_again(event: Run) -> bool:
    """Whether it was this try that failed, and another one may come; it may also have found another one at work."""
    record = store().records(event.dispatch_id, [event.node])[event.node]
    is_own = record.attempt == event.attempt and bool(record.error)
    return record.status is Status.RUNNING and is_own


def _node(word: str) -> int:
    """The node, or of those of an array of jobs the one of this job."""
    if not ranges.is_written(word):
        return int(word)
    return ranges.nth(word, int(os.environ[BATCH_INDEX]))


def _supervised() -> int:
    """The exit code of the process that runs the electron; with 128 and the signal's number, if that ended it."""
    try:
        status = supervisor.supervise()
    except supervisor.OutOfTime:
        return TIMED_OUT
    except supervisor.Terminated:
        return 128 + signal.SIGTERM
    return status if status >= 0 else 128 - status


def _try(attempt: int) -> int:
    """The number of a try among those of its electron: a later one has a higher number."""
    if BATCH_ATTEMPT not in os.environ:
        return attempt
    return attempt * BATCH_ATTEMPTS + int(os.environ[BATCH_ATTEMPT]) - 1


if __name__ == "__main__":
    sys.exit(main())
