"""What the exit code of a job says, where nothing but the code is known."""

from covalent_executors import bootstrap

LOST = 5
"""The runner could not hand in what became of the try (`covalent_runner.remote`)."""
_SIGNALS = 128

_MEANT = {
    LOST: "the runner could not hand in the result: it no longer reached the deployment's bucket",
    bootstrap.UNREACHED: "the job could not fetch what it had to do: it does not reach the deployment from there, "
    "allow it HTTPS to the deployment's API and bucket",
    bootstrap.REFUSED: "the job was not to be run any more: the electron had ended, or was cancelled",
    bootstrap.OVER_TIME: "the job was stopped at its time limit",
    bootstrap.OTHER_PYTHON: "there is another Python than the workflow was dispatched from: use the same minor version",
    125: "docker could not start the container",
    126: "the program could not be started",
    127: "there is no python3: use an image that has it",
}


def explained(code: int, more_memory: str) -> str:
    """Why a job ended with a code other than 0.

    Args:
        code: as a shell has it, 128 and the signal's number for a killed process.
        more_memory: how the user gets more of it.

    """
    if code in _MEANT:
        return f"{_MEANT[code]} (exit code {code})"
    if code == _SIGNALS + 9:
        return f"the job was killed (exit code {code}), most likely because it ran out of memory: {more_memory}"
    if code > _SIGNALS:
        return f"the job was ended by signal {code - _SIGNALS} (exit code {code})"
    return f"the job ended with exit code {code}"
