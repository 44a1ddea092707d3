"""The function app that electrons run in: an orchestration with one activity, which runs one try of an electron.

Durable Functions keeps the state of each try, however long it takes and whatever becomes of the instance that runs it,
and has an HTTP API to start, see and end it (`covalent_executors.azurefunctions.adapter`). An HTTP function of ours
could not: its answer has to be there within 230 seconds, and what it leaves running then may be ended at any time.
"""

import os
import tempfile
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from covalent_executors import bootstrap

SHOWN = 8 * 1024
"""Bytes of what the runner printed that are kept."""

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.orchestration_trigger(context_name="context")  # type: ignore[untyped-decorator]  # Microsoft's has no types
def covalent_electron(context: Any) -> Generator[Any, Any, Any]:
    """Run one try: what Durable Functions replays."""
    return (yield context.call_activity("covalent_try", context.get_input()))


@app.activity_trigger(input_name="given")  # type: ignore[untyped-decorator]  # as above
def covalent_try(given: dict[str, Any]) -> dict[str, Any]:
    """Run one try: `errand` as in `bootstrap`, and `time_limit`.

    Returns:
        The exit code, and the end of what was printed.

    """
    watch = float(os.environ.get("COVALENT_WATCH_SECONDS", "15"))
    with tempfile.TemporaryFile() as output:
        code, told = bootstrap.ended(given["errand"], watch, given["time_limit"], output)
        size = output.seek(0, os.SEEK_END)
        output.seek(max(size - SHOWN, 0))
        return {"exit_code": code, "log": output.read().decode(errors="replace") + told}
