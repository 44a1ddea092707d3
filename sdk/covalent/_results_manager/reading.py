"""Read a dispatch from its control plane."""

from __future__ import annotations

from functools import partial

from covalent._dispatch.client import connect
from covalent._dispatch.recent import started
from covalent._results_manager.record import Record
from covalent._results_manager.waiting import wait_until_final
from covalent._shared_files.exceptions import MissingLatticeRecordError
from covalent_contracts.errors import NotFound


def read(dispatch_id: str, dispatcher_addr: str | None, *, wait: bool) -> Record:
    """The record of a dispatch, of which only the summary has been fetched yet.

    Raises:
        MissingLatticeRecordError: there is no such dispatch.

    """
    client = connect(dispatcher_addr)
    try:
        if wait:
            again = partial(connect, dispatcher_addr)
            began = started(dispatch_id)
            summary = wait_until_final(client, dispatch_id, started=began, again=again)
            client = again()  # whom we asked may be gone
        else:
            summary = client.summary(dispatch_id)
    except NotFound as exc:
        where = client.connection.endpoint.url
        raise MissingLatticeRecordError(f"there is no dispatch {dispatch_id} at {where}") from exc
    return Record(summary, client, dispatcher_addr)
