"""What the container runs: on Lambda the runtime's interface client, elsewhere the one event that it is given.

The event is the first argument or, if there is none, the variable COVALENT_EVENT.
Exit codes: 0 done; 1 the electron failed, or something that it needs; 2 there is no event, or it is malformed.
"""

import json
import os
import signal
import sys
from typing import Any

HANDLER = "covalent_runner.lambda_handler.handler"
FAILED, MALFORMED = 1, 2


def main(arguments: list[str]) -> int:
    """Run what there is to run and return the exit code."""
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        os.execv(sys.executable, [sys.executable, "-m", "awslambdaric", HANDLER])  # noqa: S606  # no shell is needed
    signal.signal(signal.SIGTERM, _stop)
    text = arguments[0] if arguments else os.environ.get("COVALENT_EVENT", "")
    try:
        event = json.loads(text)
    except ValueError as exc:
        return _tell(f"the event is not JSON ({exc}): give it as argument or in COVALENT_EVENT")
    return run(event)


def run(event: Any) -> int:
    """Work off one event."""
    from covalent_contracts import envelope  # noqa: PLC0415  # Lambda loads the handler itself
    from covalent_runner.errors import ElectronFailed, UpstreamFailed  # noqa: PLC0415
    from covalent_runner.lambda_handler import handler  # noqa: PLC0415

    try:
        envelope.parse(event)
    except ValueError as exc:
        return _tell(str(exc))
    try:
        handler(event, None)
    except (ElectronFailed, UpstreamFailed) as exc:
        return _tell(f"{type(exc).__name__}: {exc}", FAILED)
    return 0


def _stop(*_: object) -> None:
    """End on SIGTERM, which a process that is the first of its container would not notice otherwise."""
    sys.exit(128 + signal.SIGTERM)


def _tell(message: str, code: int = MALFORMED) -> int:
    print(message, file=sys.stderr)  # noqa: T201  # the log of the job
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
