"""Who may read a dispatch beside its owner.

    covalent.sharing.share(dispatch_id, "arn:aws:iam::123456789012:role/lab")

Readers are principals of AWS: ARNs of users, of roles, or of sessions of IAM Identity Center's roles, each of which is
one person. What they may is `get_result` and all that it gives. Only the owner sees readers and changes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from covalent._dispatch.client import connect
from covalent._results_manager.results_manager import must_be_id
from covalent._shared_files.exceptions import MissingLatticeRecordError
from covalent_contracts.api import MAX_READERS, Sharing
from covalent_contracts.errors import InvalidWorkflow, NotFound
from covalent_contracts.ids import principal_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from covalent._dispatch.client import Client

__all__ = ["readers", "revoke", "share"]


def readers(dispatch_id: str, dispatcher_addr: str | None = None) -> list[str]:
    """Tell whom a dispatch is shared with.

    Args:
        dispatch_id: what `ct.dispatch` returned.
        dispatcher_addr: "host:port" or URL of the control plane, or a profile; None means the configured one.

    Returns:
        ARNs of principals, sorted.

    Raises:
        MissingLatticeRecordError: there is no such dispatch, or it is not the caller's own.

    """
    return _read(_client(dispatch_id, dispatcher_addr), dispatch_id)


def share(dispatch_id: str, *principals: str, dispatcher_addr: str | None = None) -> list[str]:
    """Let principals read a dispatch, beside those that may already.

    Args:
        dispatch_id: what `ct.dispatch` returned.
        principals: their ARNs. The session of an assumed role stands for the role.
        dispatcher_addr: "host:port" or URL of the control plane, or a profile; None means the configured one.

    Returns:
        All readers, as `readers` tells them.

    Raises:
        MissingLatticeRecordError: there is no such dispatch, or it is not the caller's own.
        InvalidWorkflow: something is no ARN of a principal, or there would be too many of them.

    """
    client = _client(dispatch_id, dispatcher_addr)
    return _write(client, dispatch_id, {*_read(client, dispatch_id), *principals})


def revoke(dispatch_id: str, *principals: str, dispatcher_addr: str | None = None) -> list[str]:
    """Let principals no longer read a dispatch. What they have read already they keep.

    Args:
        dispatch_id: what `ct.dispatch` returned.
        principals: their ARNs.
        dispatcher_addr: "host:port" or URL of the control plane, or a profile; None means the configured one.

    Returns:
        The readers that are left, as `readers` tells them.

    Raises:
        MissingLatticeRecordError: there is no such dispatch, or it is not the caller's own.
        InvalidWorkflow: the dispatch is not shared with one of them; the message tells with whom it is.

    """
    client = _client(dispatch_id, dispatcher_addr)
    known = _read(client, dispatch_id)
    gone = {_known_as(each, known) for each in principals}
    return _write(client, dispatch_id, set(known) - gone)


def _client(dispatch_id: str, dispatcher_addr: str | None) -> Client:
    must_be_id(dispatch_id)
    return connect(dispatcher_addr)


def _read(client: Client, dispatch_id: str) -> list[str]:
    try:
        return sorted(client.readers(dispatch_id).shared_with)
    except NotFound as exc:
        _missing(client, dispatch_id, exc)


def _write(client: Client, dispatch_id: str, principals: Iterable[str]) -> list[str]:
    wanted = sorted(principals)
    if len(wanted) > MAX_READERS:
        raise InvalidWorkflow(
            f"a dispatch can be shared with {MAX_READERS} principals, not with {len(wanted)}: share it with a role"
        )
    try:
        return sorted(client.share(dispatch_id, _document(wanted)).shared_with)
    except NotFound as exc:
        _missing(client, dispatch_id, exc)


def _document(principals: list[str]) -> Sharing:
    """The document, for those that are principals."""
    from pydantic import ValidationError  # noqa: PLC0415  # loaded by the client

    try:
        return Sharing(shared_with=principals)
    except ValidationError as exc:
        wrong = ", ".join(repr(error["input"]) for error in exc.errors())
        raise InvalidWorkflow(
            f"not the ARN of a principal: {wrong}. It is to be as arn:aws:iam::123456789012:user/ada, "
            "arn:aws:iam::123456789012:role/lab, or arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_.../ada"
        ) from exc


def _known_as(principal: str, known: list[str]) -> str:
    """What the control plane calls a principal: of the session of a role it knows the role."""
    for name in (principal, principal_of(principal), principal_of(principal, people=False)):
        if name in known:
            return name
    raise InvalidWorkflow(
        f"the dispatch is not shared with {principal}, but with {', '.join(known) or 'nobody'}"
    )


def _missing(client: Client, dispatch_id: str, exc: NotFound) -> NoReturn:
    raise MissingLatticeRecordError(
        f"you have no dispatch {dispatch_id} at {client.connection.endpoint.url}: only who dispatched it can share it"
    ) from exc
