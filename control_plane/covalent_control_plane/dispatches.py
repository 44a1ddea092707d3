"""What can be done with a dispatch: register, start, list, show, download its manifest and its assets."""

import time

from covalent_contracts import keys, records
from covalent_contracts.api import AssetsRequest, Download, Downloads, Listing, Summary
from covalent_contracts.errors import Conflict, NotFound
from covalent_contracts.manifest import Manifest
from covalent_contracts.status import Status
from covalent_control_plane import answers, manifests, objects, reuse, starting, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.callers import Caller
from covalent_control_plane.interrupted import fail_interrupted
from covalent_control_plane.items import DispatchItem, DraftItem
from covalent_control_plane.manifests import electrons
from covalent_control_plane.pages import Cursor
from covalent_control_plane.registration import register
from covalent_control_plane.telemetry import annotate

__all__ = [
    "MissingUploads",
    "assets",
    "fail_interrupted",
    "listing",
    "manifest_address",
    "owned",
    "readable",
    "register",
    "show",
    "start",
    "summary",
    "unknown",
]


class MissingUploads(Conflict):
    """Objects of the manifest are not there, or not in their size. `digests` lists them."""

    def __init__(self, message: str, digests: list[str]) -> None:
        super().__init__(message)
        self.digests = digests


def start(aws: Aws, owner: str, dispatch_id: str, *, run: bool = True) -> Summary:
    """Make a registered dispatch appear and, with `run`, start its execution. Twice is the same as once.

    Raises:
        NotFound: nothing is registered under the id, or it expired.
        MissingUploads: not everything was uploaded.
        Unavailable: its machines are not there yet; start it again.

    """
    annotate(dispatch_id)
    item = store.find_registered(dispatch_id)
    if item is None or item.owner != owner:
        raise _expired(dispatch_id)
    if isinstance(item, DraftItem):
        item = _appear(aws, item, dispatch_id, run=run)
    return summary(_started(aws, item) if run else item)


def show(aws: Aws, caller: Caller, dispatch_id: str) -> Summary:
    """One dispatch.

    Raises:
        NotFound: it is not there, or not the caller's to read.

    """
    return summary(readable(aws, caller, dispatch_id))


def listing(owner: str, limit: int, cursor: str | None) -> Listing:
    """The owner's dispatches, newest first; as many as one answer can hold."""
    page = store.listing(owner, limit, None if cursor is None else Cursor.read(cursor))
    shown = answers.fitting(summary(item) for item in page.items)
    if len(shown) < len(page.items) or page.after is not None:
        cursor = Cursor(shown[-1].created, shown[-1].dispatch_id).write()
        return Listing(dispatches=list(shown), cursor=cursor)
    return Listing(dispatches=list(shown))


def manifest_address(aws: Aws, caller: Caller, dispatch_id: str) -> Download:
    """Where to download the manifest of a dispatch."""
    item = readable(aws, caller, dispatch_id)
    return Download(digest=item.manifest, url=objects.get_address(aws, keys.manifest(dispatch_id)))


def assets(aws: Aws, caller: Caller, dispatch_id: str, request: AssetsRequest) -> Downloads:
    """Where to download objects that the dispatch's manifest names.

    Raises:
        NotFound: there is no such dispatch, or its manifest does not name one of them.

    """
    item = readable(aws, caller, dispatch_id)
    manifest = manifests.load(aws, dispatch_id, item.manifest)
    unknown = set(request.digests) - {upload.digest for upload in manifest.uploads}
    if unknown:
        raise NotFound(f"dispatch {dispatch_id} has no object {min(unknown)}")
    downloads = [
        Download(digest=digest, url=objects.get_address(aws, keys.asset(item.owner, digest)))
        for digest in request.digests
    ]
    return Downloads(downloads=downloads)


def owned(owner: str, dispatch_id: str) -> DispatchItem:
    """The dispatch, if it is the owner's. Someone else's is not found: its existence is theirs to know."""
    item = store.find(dispatch_id)
    if item is None or item.owner != owner:
        raise unknown(dispatch_id)
    return item


def readable(aws: Aws, caller: Caller, dispatch_id: str) -> DispatchItem:
    """The dispatch, if it is the caller's or shared with them."""
    item = store.find(dispatch_id)
    if item is None or not _may_read(aws, caller, item):
        raise unknown(dispatch_id)
    return item


def _may_read(aws: Aws, caller: Caller, item: DispatchItem) -> bool:
    """Who may read a dispatch may read those of its sublattices."""
    if caller.may_read(item.owner, item.shared_with or (), aws.settings.shared_with):
        return True
    root = None if item.parent is None else store.find(item.root_dispatch_id)
    return root is not None and root.owner == item.owner and _may_read(aws, caller, root)


def unknown(dispatch_id: str) -> NotFound:
    """What to say of a dispatch that is not there, or not for the caller to know of."""
    return NotFound(f"there is no dispatch {dispatch_id}")


def summary(item: DispatchItem) -> Summary:
    """A dispatch as the API shows it."""
    return Summary(
        dispatch_id=item.dispatch_id,
        root_dispatch_id=item.root_dispatch_id,
        name=item.name,
        status=item.state,
        created=item.since,
        started=item.started,
        ended=item.ended,
        error=item.error,
        nodes=item.nodes,
        execution=item.execution,
        redispatch_of=item.redispatch_of,
        parent=item.parent,
        parent_node=item.parent_node,
    )


def _expired(dispatch_id: str) -> NotFound:
    return NotFound(f"nothing is registered under {dispatch_id}, or it expired: dispatch again")


def _appear(aws: Aws, draft: DraftItem, dispatch_id: str, *, run: bool) -> DispatchItem:
    if draft.ttl < time.time():
        raise _expired(dispatch_id)
    manifest = manifests.load(aws, dispatch_id, draft.manifest)
    _check_uploads(aws, draft, manifest)
    reuse.take_over(aws, manifest)
    item = _item(draft, manifest, Status.STARTING if run else Status.NEW_OBJECT)
    if store.appear(item):
        return item
    return owned(draft.owner, dispatch_id)  # another start was faster


def _check_uploads(aws: Aws, draft: DraftItem, manifest: Manifest) -> None:
    pending = draft.pending or set()
    unseen = [upload for upload in manifest.uploads if upload.digest in pending]
    lacking = [upload.digest for upload in objects.missing(aws, draft.owner, unseen)]
    if lacking:
        raise MissingUploads(
            f"{len(lacking)} of {len(manifest.uploads)} objects are missing or truncated: "
            "upload them, then start again",
            lacking,
        )


def _item(draft: DraftItem, manifest: Manifest, status: Status) -> DispatchItem:
    return DispatchItem(
        draft.pk,
        records.DISPATCH,
        owner=draft.owner,
        created=draft.registered,
        status=status.value,
        name=manifest.lattice.name,
        root_dispatch_id=manifest.root_dispatch_id,
        nodes=len(manifest.nodes),
        manifest=draft.manifest,
        machine=draft.machine,
        electrons=dict(electrons(manifest)),
        redispatch_of=manifest.redispatch_of,
        **(store.starting_now() if status is Status.STARTING else {}),
    )


def _started(aws: Aws, item: DispatchItem) -> DispatchItem:
    if item.state is Status.NEW_OBJECT:
        dispatch_id = item.dispatch_id
        item = store.advance(dispatch_id, Status.STARTING) or owned(item.owner, dispatch_id)
    return starting.launch(aws, item) if item.state is Status.STARTING else item
