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
    tries = _tries(int(attempt))
    event = Run(dispatch_id, _node(node), tries[0])
    if token:
        from covalent_runner import callback  # noqa: PLC0415  # most jobs are waited for otherwise

        return callback.answer(store(), event, token[0])
    if TIME_LIMIT in os.environ:
        return _supervised()
    try:
        run.run(store(), event, lambda: inf, tries)
    except UpstreamFailed as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # this is a program
        return NOT_STARTED
    except ElectronFailed as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # as above
        return AGAIN if ranges.is_written(node) and _may_run_again(event, tries) else FAILED
    return COMMITTED


def _may_run_again(event: Run, tries: range) -> bool:
    """Whether a try of this job, or of another one that is the same, has failed, and there is one more."""
    record = store().records(event.dispatch_id, [event.node])[event.node]
    return record.status is Status.RUNNING and record.attempt in tries and bool(record.error)


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


def _tries(attempt: int) -> range:
    """The number of this try among those of its electron, and those that this job may still give to later ones."""
    if BATCH_ATTEMPT not in os.environ:
        return range(attempt, attempt + 1)
    first = attempt * BATCH_ATTEMPTS
    return range(first, first + BATCH_ATTEMPTS)[int(os.environ[BATCH_ATTEMPT]) - 1 :]


if __name__ == "__main__":
    sys.exit(main())
