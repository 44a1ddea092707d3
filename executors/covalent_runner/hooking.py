"""What runs around the electron's function: shell commands and calls."""

import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from covalent_contracts.hooks import Call
from covalent_runner.errors import HookFailed

ALWAYS_A_LIST = "files"
"""The parameter that takes file transfers, however many there are."""


def run_commands(commands: Sequence[str]) -> None:
    """Run each command in a shell; its output is the electron's.

    Raises:
        HookFailed: a command ended with another status than 0; later ones do not run.

    """
    for command in commands:
        shell = shutil.which("bash") or "/bin/sh"
        done = subprocess.run(  # noqa: S603  # a command of the user's own, beside the user's own code
            [shell, "-c", command], stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode != 0:
            raise HookFailed(f"the command {command!r} ended with exit status {done.returncode}")


def make_calls(calls: Sequence[Call]) -> dict[str, Any]:
    """Make the calls in order.

    Returns:
        Keyword arguments for the electron. A keyword that several calls name takes the list of their values.

    """
    returned: dict[str, list[Any]] = {}
    for call in calls:
        value = call.function(*call.args, **call.kwargs)
        if call.keyword:
            returned.setdefault(call.keyword, []).append(value)
    return {
        keyword: found if len(found) > 1 or keyword == ALWAYS_A_LIST else found[0]
        for keyword, found in returned.items()
    }
