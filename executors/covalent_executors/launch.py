"""How a job starts where it can bring no files along: a command, and one variable.

The variable has what `covalent_executors.bootstrap` needs: for its capability the deployment gives the program and a
fresh ticket. That is no credential of anybody: it is made for one try of one electron, and whoever has it can read what
this electron reads and hand in what became of it, until it has ended.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from covalent_executors import bootstrap
from covalent_executors.adapter import Job, Refused


def arguments() -> Sequence[str]:
    """What stands after `python3`: one line without dollars, backslashes and double quotes."""
    return ("-c", _program())


def command() -> str:
    """The same as one line of a shell."""
    return f'python3 -c "{_program()}"'


def environment(job: Job) -> Mapping[str, str]:
    """The variables that the job needs."""
    return {bootstrap.VARIABLE: json.dumps(errand(job), separators=(",", ":"), sort_keys=True)}


def errand(job: Job) -> Mapping[str, Any]:
    """What the job presents for its ticket.

    Raises:
        Refused: the deployment renews no tickets.

    """
    ticket = json.loads(job.ticket)
    what = ticket["errand"]
    if not ticket.get("renewal"):
        raise Refused(
            "the bridge does not know at which address of the API jobs can fetch what they have to do: "
            "set its COVALENT_TICKETS"
        )
    return {
        "renewal": ticket["renewal"],
        "capability": ticket["capability"],
        "python": job.python,
        **{name: what[name] for name in ("dispatch_id", "node", "attempt")},
    }


@cache
def _program() -> str:
    """The bootstrap in one line: 3 KB that no shell, docker or agent on its way can misread."""
    source = Path(str(bootstrap.__file__)).read_bytes()
    text = base64.b64encode(zlib.compress(source, 9)).decode()
    return f"import base64,zlib;exec(zlib.decompress(base64.b64decode('{text}')))"
