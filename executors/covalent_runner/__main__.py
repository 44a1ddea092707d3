"""`python -m covalent_runner`: run one electron in a process that was started for it, with a role of its own.

What to run is in COVALENT_ELECTRON: dispatch id, node and try, and the task token of the state if it waits for an
answer. Who started the process learns from its exit code how the try went.
"""

import os
import sys
from math import inf

from covalent_contracts.envelope import Run
from covalent_runner import hybrid_job, run
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.exits import COMMITTED, FAILED, NOT_STARTED, VARIABLE
from covalent_runner.lambda_handler import store


def main() -> int:
    """Run the electron.

    Raises:
        KeyError: nobody has told which.
        ValueError: it is no electron.

    """
    hybrid_job.enter(os.environ)
    dispatch_id, node, attempt, *token = os.environ[VARIABLE].split()
    event = Run(dispatch_id, int(node), int(attempt))
    if token:
        from covalent_runner import attendance  # noqa: PLC0415  # most jobs are waited for otherwise

        return attendance.attend(store(), event, token[0], attendance.Terms.read(os.environ))
    try:
        run.run(store(), event, lambda: inf)
    except (ElectronFailed, UpstreamFailed) as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # this is a program
        return FAILED if isinstance(exc, ElectronFailed) else NOT_STARTED
    return COMMITTED


if __name__ == "__main__":
    sys.exit(main())
