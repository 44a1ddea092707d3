"""Renews the tickets of jobs far away, which outlive the quarter of an hour that an address is good for.

Whoever asks has no credentials of AWS. What they show is a capability: a random text that was made for one try of one
electron. It is good as long as that try runs, and for nothing but what the try reads and the one object that it writes.
"""

import json
import time
from functools import partial

from covalent_contracts import keys
from covalent_contracts.api import Renewal, Renewed
from covalent_contracts.errors import NotFound, Refused
from covalent_contracts.ids import digest_of
from covalent_contracts.status import Status
from covalent_contracts.ticket import Errand, ticket
from covalent_control_plane import objects, store
from covalent_control_plane.aws import Aws

_WRONG = "no try that runs was given this capability"


def renew(aws: Aws, asked: Renewal, address: str) -> Renewed:
    """A fresh ticket.

    Args:
        aws: the clients.
        asked: which try, and its capability.
        address: where that was asked, for the next time.

    Raises:
        Refused: the capability is not this try's, or the try is over. The answer does not tell which.

    """
    try:
        data = objects.read(aws, keys.errand(asked.dispatch_id, asked.node, asked.attempt))
    except NotFound as exc:
        raise Refused(_WRONG) from exc
    errand = Errand.load(data)
    if digest_of(asked.capability.encode()) not in errand.seals or not _runs(asked):
        raise Refused(_WRONG)
    if not _is_its_own(errand):
        raise Refused("the errand names objects that are not this electron's")
    sign = partial(objects.address, aws)
    made = ticket(errand, sign, time.time(), address, asked.capability)
    return Renewed(program=sign("GET", errand.program), ticket=json.loads(made.dump()))


def _is_its_own(errand: Errand) -> bool:
    """Whether an errand names nothing but what its electron may read, and writes its own verdict.

    Only the bridge can write errands; but what this signs, whoever has the capability can read.
    """
    item = store.find(errand.dispatch_id)
    where = errand.dispatch_id, errand.node, errand.attempt
    if item is None or errand.verdict != keys.verdict(*where):
        return False
    allowed = (keys.asset(item.owner, ""), keys.output_prefix(errand.dispatch_id))
    return errand.program.startswith(keys.program("").removesuffix(".pyz")) and all(
        key.startswith(allowed) for key in errand.reads
    )


def _runs(asked: Renewal) -> bool:
    record = store.nodes(asked.dispatch_id, [asked.node]).get(asked.node)
    return record is not None and record.state is Status.RUNNING and record.attempt == asked.attempt
