"""`python -m covalent_runner`: run one electron in a process that was started for it, with a role of its own.

What to run is in COVALENT_ELECTRON: dispatch id, node and try, and the task token of the state if it waits for an
answer. Who started the process learns from its exit code how the try went.
"""

import os
import sys
from math import inf

from covalent_contracts.envelope import Run
from covalent_runner import run
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.lambda_handler import store

VARIABLE = "COVALENT_ELECTRON"
COMMITTED, FAILED, NOT_STARTED = 0, 3, 4
"""Exit codes: the result is recorded; the try failed and that is recorded; something that it needs has failed."""


def main() -> int:
    """Run the electron.

    Raises:
        KeyError: nobody has told which.
        ValueError: it is no electron.

    """
    dispatch_id, node, attempt, *token = os.environ[VARIABLE].split(" ")
    try:
        run.run(store(), Run(dispatch_id, int(node), int(attempt)), lambda: inf)
    except (ElectronFailed, UpstreamFailed) as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # this is a program
        for each in token:
            store().refuse(each, type(exc).__name__, str(exc))
        return FAILED if isinstance(exc, ElectronFailed) else NOT_STARTED
    for each in token:
        store().release(each)
    return COMMITTED


if __name__ == "__main__":
    sys.exit(main())
