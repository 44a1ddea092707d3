"""Fetches an electron's program and its ticket and runs them, where a place takes no files.

It travels as text (`covalent_executors.launch`) and needs nothing but Python 3.8. What it fetches is in
COVALENT_ERRAND, as JSON: an address, which electron, and the capability for which that address gives the program and a
fresh ticket, however long the job has waited for its turn.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, Optional  # noqa: UP035  # Python 3.8 knows no dict[str, Any]

VARIABLE = "COVALENT_ERRAND"
UNREACHED, REFUSED, OVER_TIME, OTHER_PYTHON = 81, 82, 83, 84
"""Exit codes: there was no ticket to be had; it was refused; the time limit is over; Python is of another version."""
TRIES = 6
TIMEOUT = 30
_PASSING = (408, 429, 500, 502, 503, 504)
_KILLED = 128
_MARK = "COVALENT_TRY"
_PAUSE = 0.5

Errand = Dict[str, Any]  # noqa: UP006  # as above


class Refused(Exception):
    """The try is over, or was never ours."""


class OtherPython(Exception):
    """Here is not the Python that the workflow was dispatched from."""


class Unreached(Exception):
    """The deployment does not answer, from here."""


def fetch(errand: Errand, tries: int = TRIES) -> Errand:
    """Ask for the program's address (`program`) and a fresh `ticket`.

    Raises:
        Refused: there is none: the electron has ended, or was cancelled.
        Unreached: there was no answer.

    """
    body = {name: errand[name] for name in ("dispatch_id", "node", "attempt", "capability")}
    request = urllib.request.Request(  # noqa: S310  # as the bridge has told
        errand["renewal"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    answer: Errand = json.loads(_insist(request, tries))
    return answer


def run(
    errand: Errand,
    watch: float = 0,
    limit: float = 0,
    output: Optional[Any] = None,  # noqa: UP045  # as above
) -> int:
    """Fetch program and ticket, run them in a folder of their own, and wait.

    Args:
        errand: as in COVALENT_ERRAND.
        watch: every so many seconds ask whether the try still counts, and end it if not; 0 for never.
        limit: seconds until it is ended; 0 for none.
        output: an open file for what it prints; where this program prints, if there is none.

    Returns:
        The exit code.

    Raises:
        OtherPython: this Python cannot run it.
        Refused: the try does not count any more.
        Unreached: there was no ticket to be had.

    """
    _check_python(errand["python"])
    found = fetch(errand)
    program = _insist(urllib.request.Request(found["program"]), TRIES)  # noqa: S310  # as above
    with tempfile.TemporaryDirectory(prefix="covalent-") as name:  # mode 0700
        folder = Path(name)
        (folder / "runner.pyz").write_bytes(program)
        (folder / "ticket.json").write_text(json.dumps(found["ticket"]))
        command = [sys.executable, str(folder / "runner.pyz")]
        mark = folder.name  # no two have the same
        environment = {each: value for each, value in os.environ.items() if each != VARIABLE}
        environment[_MARK] = mark
        with subprocess.Popen(  # noqa: S603  # our own runner
            command, env=environment, stdout=output, stderr=output
        ) as process:
            return _awaited(process, mark, errand, watch, limit)


def _awaited(
    process: "subprocess.Popen[bytes]", mark: str, errand: Errand, watch: float, limit: float
) -> int:
    began = asked = time.monotonic()
    try:
        while process.poll() is None:
            now = time.monotonic()
            if limit and now - began > limit:
                return OVER_TIME
            if watch and now - asked > watch:
                _check(errand)
                asked = now
            try:
                process.wait(_PAUSE if watch or limit else None)
            except subprocess.TimeoutExpired:
                continue
    finally:
        _end(process, mark)
    code = process.returncode
    return code if code >= 0 else _KILLED - code


def _check_python(wanted: str) -> None:
    here = ".".join(map(str, sys.version_info[:2]))
    if here != wanted:
        raise OtherPython(f"the workflow was dispatched from Python {wanted}, and here is {here}")


def _check(errand: Errand) -> None:
    """See whether the try still counts. That nobody answers says nothing."""
    try:
        fetch(errand, tries=1)
    except Unreached:
        return


def _end(process: "subprocess.Popen[bytes]", mark: str) -> None:
    """End what has been started, all of it: an instance of a function lives on."""
    process.kill()
    process.wait()
    wanted = f"{_MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "environ").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:  # it has ended, or is another user's
            continue


def _insist(request: urllib.request.Request, tries: int) -> bytes:
    """Ask, if need be several times: networks have bad moments."""
    for left in reversed(range(tries)):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  # as above
                return bytes(answer.read())
        except urllib.error.HTTPError as exc:
            if exc.code not in _PASSING:
                raise Refused(f"{_host(request)} answers {exc.code}: {_told(exc)}") from exc
            failure = f"{_host(request)} answers {exc.code}"
        except OSError as exc:
            failure = f"{_host(request)} does not answer: {exc}"
        if left:
            time.sleep(2.0 ** (tries - 1 - left))
    raise Unreached(failure)


def _host(request: urllib.request.Request) -> str:
    """Never more than the host: addresses are secret."""
    return str(request.host)


def _told(exc: urllib.error.HTTPError) -> str:
    return exc.read(500).decode(errors="replace")


def ended(errand: Errand, watch: float = 0, limit: float = 0, output: Optional[Any] = None) -> Any:  # noqa: UP045  # as above
    """Run, and tell in words if that was not possible: the exit code, and the words. Arguments are those of `run`."""
    try:
        return run(errand, watch, limit, output), ""
    except OtherPython as exc:
        return OTHER_PYTHON, f"{exc}\n"
    except Refused as exc:
        return REFUSED, f"the electron is not to be run (any more): {exc}\n"
    except Unreached as exc:
        return UNREACHED, f"the deployment cannot be reached from here: {exc}\n"


def main() -> int:
    """Run what COVALENT_ERRAND says.

    Returns:
        The exit code: the program's, or why it did not run.

    """
    code, told = ended(json.loads(os.environ[VARIABLE]))
    sys.stderr.write(told)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
