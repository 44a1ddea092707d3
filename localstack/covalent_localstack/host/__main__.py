"""`python -m covalent_localstack.host serve`: LocalStack in the foreground until it is told to stop."""

import argparse
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from covalent_contracts.errors import CovalentError
from covalent_localstack.host import install
from covalent_localstack.host.process import Instance, LocalStack

DEFAULT_PORT = 4566


def main() -> int:
    """Run; the exit status is 1 when something is missing or LocalStack did not come up."""
    options = _parser().parse_args()
    where = options.environment or install.environment()
    try:
        match options.command:
            case "install":
                install.install(where, _tell)
                install.install_plugin(where)
            case "plugin":
                install.write_plugin(options.folder)
            case _:
                _serve(where, options)
    except CovalentError as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # the command's answer
        return 1
    return 0


def _serve(where: Path, options: argparse.Namespace) -> None:
    install.install(where, _tell)
    install.install_plugin(where)
    state = options.state.absolute()
    log_file = options.log_file.absolute() if options.log_file else state / "localstack.log"
    instance = Instance(where, options.port, state, log_file)
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    _run(instance, told, options.state_file)


def _run(instance: Instance, told: threading.Event, state_file: Path | None) -> None:
    began = time.monotonic()
    _tell(f"Starting LocalStack, which takes 10 to 20 seconds (log: {instance.log_file})")
    running = LocalStack(instance)
    try:
        if running.await_ready(told):
            _write_state(state_file, instance)
            _tell(f"LocalStack is ready at {instance.url} ({time.monotonic() - began:.0f} s)")
            running.wait(told)
    finally:
        _tell("Stopping LocalStack")
        running.stop()
        if state_file is not None:
            state_file.unlink(missing_ok=True)


def _write_state(path: Path | None, instance: Instance) -> None:
    """Tell where it is, in one atomic step."""
    if path is None:
        return
    state = {
        "pid": os.getpid(),
        "port": instance.port,
        "address": "127.0.0.1",
        "started": time.time(),
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(state))
    partial.replace(path)


def _tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # progress


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m covalent_localstack.host", description=__doc__)
    parser.add_argument("--environment", type=Path, help="where LocalStack is installed")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="install LocalStack and the plugin")
    plugin = commands.add_parser("plugin", help="write the plugin alone, for LocalStack in Docker")
    plugin.add_argument("folder", type=Path)
    serve = commands.add_parser("serve", help="install if needed, and run until told to stop")
    serve.add_argument("--port", type=int, default=DEFAULT_PORT)
    serve.add_argument(
        "--state", type=Path, default=Path(".localstack"), help="folder of its files"
    )
    serve.add_argument("--log-file", type=Path, help="by default localstack.log in that folder")
    serve.add_argument("--state-file", type=Path, help="written when it is ready")
    return parser


if __name__ == "__main__":
    sys.exit(main())
