"""The function that electrons run in. Cloud Tasks calls it, waits for as long as the try runs, and keeps its state.

What it prints is one entry of the log, by which the try's end is found (`covalent_executors.gcpfunctions.adapter`).
"""

import json
import os
import tempfile
from typing import Any

import functions_framework

from covalent_executors import bootstrap

SHOWN = 8 * 1024
"""Bytes of what the runner printed that are kept."""
_RETRIED = "X-CloudTasks-TaskRetryCount"
_BEFORE = "X-CloudTasks-TaskPreviousResponse"
_FULL = "429"


@functions_framework.http
def covalent_electron(request: Any) -> tuple[dict[str, Any], int]:
    """Run one try: `job`, its name; `errand` as in `bootstrap`; `time_limit`.

    Cloud Tasks repeats what failed. Here each try has a task of its own, so a repetition is only good if the first
    call has never reached an instance.
    """
    given = request.get_json()
    headers = request.headers
    if headers.get(_RETRIED, "0") != "0" and headers.get(_BEFORE) != _FULL:
        return {"error": "this try ran before"}, 500
    watch = float(os.environ.get("COVALENT_WATCH_SECONDS", "15"))
    with tempfile.TemporaryFile() as output:
        code, told = bootstrap.ended(given["errand"], watch, given["time_limit"], output)
        size = output.seek(0, os.SEEK_END)
        output.seek(max(size - SHOWN, 0))
        log = output.read().decode(errors="replace") + told
    entry = {
        "severity": "ERROR" if code else "INFO",
        "message": log,
        "covalent_job": given["job"],
        "exit_code": code,
    }
    print(json.dumps(entry), flush=True)  # noqa: T201  # what Google's log takes
    return {"exit_code": code}, 500 if code else 200
