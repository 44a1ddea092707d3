"""One try, from its ticket to its verdict."""

import os
import platform
import sys
from pathlib import Path
from tempfile import TemporaryFile

from covalent_contracts import sheet
from covalent_contracts.errors import CorruptedObject
from covalent_contracts.status import Status
from covalent_contracts.ticket import TICKET_FILE, Ticket
from covalent_runner import inputs
from covalent_runner.execute import Execution, execute
from covalent_runner.remote.addresses import Addresses, Unreachable
from covalent_runner.remote.verdicts import write
from covalent_runner.store import Output, Record
from covalent_runner.streams import Streams

HANDED_IN, LOST = 0, 5
_RANK = ("SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
"""Which of several equal processes this is, where a launcher (srun, mpirun) has started them."""


def main(folder: Path) -> int:
    """Run the try whose ticket lies in a folder.

    Returns:
        The exit code.

    """
    addresses = Addresses(Ticket.load((folder / TICKET_FILE).read_bytes()), folder)
    try:
        execution = _run(addresses)
        if _is_first():
            _hand_in(addresses, execution)
    except Unreachable as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # this is a program
        return LOST
    return HANDED_IN


def _run(addresses: Addresses) -> Execution:
    errand = addresses.errand
    page = sheet.load(errand.page)
    own = page.sheets[errand.node]
    known = {node: _record(Output(**vars(each))) for node, each in errand.inputs.items()}
    try:
        _check_python(page.python)
        material = inputs.fetch(addresses, page, own, known)
    except (CorruptedObject, _OtherPython) as exc:
        return Execution(Streams(), error=str(exc), reason=type(exc).__name__)
    return execute(errand.dispatch_id, own, material, own.before)


def _record(output: Output) -> Record:
    return Record(Status.COMPLETED, output=output)


class _OtherPython(Exception):
    """Code objects of another minor version can crash the interpreter."""


def _check_python(wanted: str) -> None:
    here = platform.python_version()
    if wanted.split(".")[:2] != here.split(".")[:2]:
        raise _OtherPython(
            f"the workflow was dispatched from Python {wanted}, {platform.node()} runs it with {here}: "
            "have the executor use the same minor version"
        )


def _is_first() -> bool:
    """Whether this process hands in the verdict: of several that a launcher has started, the first one does."""
    return all(os.environ.get(name, "0") == "0" for name in _RANK)


def _hand_in(addresses: Addresses, execution: Execution) -> None:
    with TemporaryFile() as file:
        write(file, execution)
        addresses.put(file)
