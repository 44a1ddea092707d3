"""The first process of a container: `launcher.py FD COMMAND...` runs the command, and ends with the server.

Exits as the command did; with 128 and the signal's number, if that ended it, as containers do. Imports the standard
library only, and little of it, so that it starts as fast as the interpreter does.
"""

import os
import select
import signal
import sys
import threading

NOT_FOUND = 127


def main() -> None:
    """Run a command."""
    server, *command = sys.argv[1:]
    # Who asks the whole group to end means the command, and what that does about it.
    signal.signal(signal.SIGTERM, lambda *_: None)
    threading.Thread(target=_die_with, args=(int(server),), daemon=True).start()
    try:
        child = os.posix_spawnp(command[0], command, os.environ)
    except OSError as exc:
        print(f"CannotStartContainerError: {exc}", file=sys.stderr)  # noqa: T201  # this is a program
        os._exit(NOT_FOUND)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


def _die_with(descriptor: int) -> None:
    """Kill this process group when the server is gone."""
    os.set_inheritable(descriptor, False)
    poll = select.poll()
    poll.register(descriptor, 0)  # POLLHUP is always reported
    poll.poll()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
