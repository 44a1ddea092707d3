"""`python -m covalent._triggers`: the process that watches on this machine (`covalent._triggers.watcher`)."""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from covalent._dispatch.address import Endpoint, resolve
from covalent._dispatch.client import Client, open_client
from covalent._triggers import registration
from covalent._triggers.watcher import POLL_SECONDS, Watcher

ADDRESS, TOKEN = "COVALENT_WATCH_ADDRESS", "COVALENT_WATCH_TOKEN"  # names of variables
"""Which control plane to look at, if not the configured one."""


def main() -> int:
    """Watch until told to stop."""
    options = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    watcher = Watcher(_client(), registration.host())
    try:
        if options.told:
            _follow(watcher)
        else:
            _ask(watcher, options.state_file)
    finally:
        watcher.stop()
    return 0


def _client() -> Client:
    address = os.environ.get(ADDRESS)
    token = os.environ.pop(TOKEN, None)
    return open_client(resolve() if address is None else Endpoint(address, token))


def _follow(watcher: Watcher) -> None:
    """Look whenever a line comes in; the end of the input is the end of whoever has started us."""
    watcher.look()
    for _ in sys.stdin:
        watcher.look()


def _ask(watcher: Watcher, state_file: Path | None) -> None:
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    watcher.look()
    _write_state(state_file)
    try:
        while not told.wait(POLL_SECONDS):
            watcher.look()
    finally:
        if state_file is not None:
            state_file.unlink(missing_ok=True)


def _write_state(path: Path | None) -> None:
    """Tell that it is ready, in one atomic step."""
    if path is None:
        return
    state = {"pid": os.getpid(), "port": 0, "address": resolve().url, "started": time.time()}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(state))
    partial.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m covalent._triggers", description=__doc__)
    parser.add_argument("--told", action="store_true", help="look whenever a line comes in")
    parser.add_argument("--state-file", type=Path, help="written when it is ready")
    return parser


if __name__ == "__main__":
    sys.exit(main())
