"""`python -m covalent_localstack serve`: run the embedded AWS until it is told to stop.

The token comes in the environment variable COVALENT_TOKEN, never on the command line, where every user of the
machine sees it.
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from covalent_localstack import worker
from covalent_localstack.journal import DataDirInUse
from covalent_localstack.stack import EmbeddedAws, PortInUse

TOKEN = "COVALENT_TOKEN"  # noqa: S105  # the name of the variable
DEFAULT_PORT = 48008
_OURS = ("covalent_localstack", "covalent_control_plane", "covalent_runner")
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
)
_LOG = logging.getLogger("covalent_localstack.serve")


def main() -> int:
    """Run; the exit status is 1 when the server could not start."""
    options = _parser().parse_args()
    _log(options.log_file, options.log_level)
    _limit(options)
    token = os.environ.pop(TOKEN, "")
    if not token:
        return _complain(f"{TOKEN} is not set")
    stack = EmbeddedAws(
        options.data_dir,
        port=options.port,
        next_free_port=options.next_free_port,
        workers=options.workers,
        token=token,
        triggers=not options.no_triggers,
    )
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    try:
        stack.start()
    except (DataDirInUse, PortInUse) as exc:
        return _complain(str(exc))
    try:
        write_state(options.state_file, stack)
        _announce(stack.address, options.log_file)
        told.wait()
    finally:
        remove_state(options.state_file)
        stack.stop()
    return 0


def write_state(path: Path, stack: EmbeddedAws) -> None:
    """Tell where the server is, in one atomic step."""
    state: dict[str, Any] = {
        "pid": os.getpid(),
        "port": stack.port,
        "address": stack.address,
        "started": time.time(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(state))
    draft.replace(path)


def remove_state(path: Path) -> None:
    """Remove the state file, unless a later server has written its own."""
    try:
        state = json.loads(path.read_text())
    except (OSError, ValueError):
        return
    if isinstance(state, dict) and state.get("pid") == os.getpid():
        path.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="covalent_localstack", description=__doc__)
    serve = parser.add_subparsers(required=True).add_parser("serve")
    serve.add_argument("--port", type=int, default=DEFAULT_PORT)
    serve.add_argument("--next-free-port", action="store_true")
    serve.add_argument("--workers", type=int, default=max(4, os.cpu_count() or 1))
    serve.add_argument("--worker-memory", type=int, default=0, help="bytes; 0 is no limit")
    serve.add_argument("--worker-threads", type=int, default=0, help="of numerical libraries")
    serve.add_argument("--log-level", default="warning")
    serve.add_argument("--no-triggers", action="store_true")
    serve.add_argument("--data-dir", type=Path, required=True)
    serve.add_argument("--state-file", type=Path, required=True)
    serve.add_argument("--log-file", type=Path)
    return parser


def _limit(options: argparse.Namespace) -> None:
    """Put the limits of workers where these find them. What the user has set for a library stays."""
    if options.worker_memory:
        os.environ[worker.MEMORY] = str(options.worker_memory)
    if options.worker_threads:
        for name in _THREADS:
            os.environ.setdefault(name, str(options.worker_threads))


def _log(path: Path | None, level: str) -> None:
    """Log what is of this level. Of other people's packages nothing finer than INFO: botocore's shows tokens."""
    wanted = logging.getLevelNamesMapping()[level.upper()]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path,
        level=max(wanted, logging.INFO),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for name in _OURS:
        logging.getLogger(name).setLevel(wanted)
    _LOG.setLevel(min(wanted, logging.INFO))


def _announce(address: str, log_file: Path | None) -> None:
    """Say that the server is ready: in its log, or to whoever reads its standard output."""
    if log_file is not None:
        _LOG.info("ready at %s", address)
        return
    sys.stdout.write(f"ready at {address}\n")
    sys.stdout.flush()


def _complain(message: str) -> int:
    _LOG.error(message)
    return 1


if __name__ == "__main__":
    sys.exit(main())
