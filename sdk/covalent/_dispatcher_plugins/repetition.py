"""Dispatch a workflow again: as it was, with other arguments, or with some of its electrons replaced.

as it was     the old manifest under a new id: nothing is unpickled, and nothing is uploaded
changed       the stored lattice is built anew, here; then it is a dispatch like any other
reuse         the manifest says of each node that need not run whose record it takes over; the control plane takes over
"""

from __future__ import annotations

import copy
import platform
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from covalent._dispatch.client import connect
from covalent._dispatch.packaging import Package, package, restore_lattice
from covalent._dispatch.reuse import reusable, same_bytes
from covalent._dispatch.submit import cluster_for, send
from covalent._results_manager.reading import read
from covalent._shared_files.exceptions import InvalidArguments
from covalent._workflow.tracing import replacing
from covalent_contracts import pickling
from covalent_contracts.errors import Conflict, InvalidWorkflow, UnsupportedPython
from covalent_contracts.ids import new_dispatch_id
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from covalent._results_manager.record import Record
    from covalent._workflow.electron import Electron
    from covalent._workflow.lattice import Lattice
    from covalent_contracts.manifest import Manifest, Node


@dataclass(frozen=True)
class Changes:
    """How a redispatch differs: other arguments (all or none), and electrons by the names of those they replace.

    cluster: the Dask cluster for those that name none, where it is built anew.
    """

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    electrons: Mapping[str, Electron] = field(default_factory=dict)
    cluster: str = ""

    @property
    def has_arguments(self) -> bool:
        """Whether there are other arguments."""
        return bool(self.args or self.kwargs)


def repeat(dispatch_id: str, dispatcher_addr: str | None, changes: Changes, *, reuse: bool) -> str:
    """Dispatch again what has ended.

    Returns:
        The id of the new dispatch.

    Raises:
        MissingLatticeRecordError: there is no such dispatch.
        Conflict: it has not ended, or what it is made of is no longer stored.
        InvalidWorkflow: an electron to replace is not one of the lattice's.
        UnsupportedPython: a changed workflow must be built by the Python version that it was made with.

    """
    record = read(dispatch_id, dispatcher_addr, wait=False)
    _refuse_unfinished(record)
    client = connect(dispatcher_addr)
    changes = replace(changes, cluster=cluster_for(client))
    return send(client, _made(record, changes, reuse=reuse))


def start_pending(dispatch_id: str, dispatcher_addr: str | None, changes: Changes) -> str:
    """Start a dispatch that was registered with `disable_run=True`.

    Returns:
        Its own id.

    Raises:
        MissingLatticeRecordError: there is no such dispatch.
        Conflict: it was started before.
        InvalidArguments: it is to run otherwise than it was registered.

    """
    if changes.has_arguments or changes.electrons:
        raise InvalidArguments(
            f"dispatch {dispatch_id} is pending and starts as it was registered: leave out is_pending to dispatch it "
            "with other arguments or electrons once it has ended"
        )
    status = read(dispatch_id, dispatcher_addr, wait=False).summary.status
    if status is not Status.NEW_OBJECT:
        raise Conflict(
            f"dispatch {dispatch_id} is {status}, not pending: redispatch it without is_pending"
        )
    return connect(dispatcher_addr).start(dispatch_id).dispatch_id


def _refuse_unfinished(record: Record) -> None:
    summary = record.summary
    if summary.status.is_final:
        return
    if summary.status is Status.NEW_OBJECT:
        cure = "it was not started yet; start it with redispatch(..., is_pending=True)()"
    else:
        cure = "wait for it with get_result(..., wait=True), or cancel it"
    raise Conflict(
        f"dispatch {summary.dispatch_id} is {summary.status} and cannot be repeated: {cure}"
    )


def _made(record: Record, changes: Changes, *, reuse: bool) -> Package:
    """What is dispatched."""
    old = record.manifest
    if not changes.has_arguments and not changes.electrons:
        made, same = _as_it_was(record), None
    else:
        made, same = _changed(record, changes, reuse=reuse)
    taken = reusable(old, made.manifest, _completed(record), same) if reuse else {}
    nodes = [_taking_over(node, taken.get(node.id)) for node in made.manifest.nodes]
    lineage = {"redispatch_of": old.dispatch_id, "nodes": nodes}
    return Package(made.manifest.model_copy(update=lineage), made.objects)


def _taking_over(node: Node, reused: int | None) -> Node:
    return node if node.reused == reused else node.model_copy(update={"reused": reused})


def _as_it_was(record: Record) -> Package:
    own_id = new_dispatch_id()
    ids = {"dispatch_id": own_id, "root_dispatch_id": own_id}
    return Package(record.manifest.model_copy(update=ids), {})


def _changed(
    record: Record, changes: Changes, *, reuse: bool
) -> tuple[Package, Mapping[str, str] | None]:
    """The workflow built anew, and what differs in it from the old one in bytes only."""
    _refuse_other_python(record.manifest)
    lattice = restore_lattice(record.assets.read(record.manifest.lattice.function))
    lattice.metadata["triggers"] = None
    inputs = pickling.loads(record.assets.read(record.manifest.lattice.inputs))
    before = Changes(tuple(inputs["args"]), inputs["kwargs"], cluster=changes.cluster)
    called_with = changes if changes.has_arguments else before
    made = _built(lattice, replace(called_with, electrons=changes.electrons))
    if not reuse or _digests(made.manifest) <= _digests(record.manifest):
        return made, None
    return made, same_bytes(record.manifest, _built(lattice, before).manifest)


def _built(lattice: Lattice, changes: Changes) -> Package:
    fresh = copy.copy(lattice)
    with replacing(changes.electrons) as called:
        fresh.build_graph(*changes.args, **changes.kwargs)
    for name in changes.electrons:
        if name not in called:
            raise InvalidWorkflow(
                f"lattice {lattice.__name__} calls no electron {name!r} that could be replaced; it calls "
                f"{', '.join(sorted(called)) or 'none'}"
            )
    return package(fresh, cluster=changes.cluster)


def _refuse_other_python(manifest: Manifest) -> None:
    """Code objects of another minor version can crash the interpreter."""
    here = platform.python_version()
    if here.split(".")[:2] != manifest.python.split(".")[:2]:
        raise UnsupportedPython(
            f"dispatch {manifest.dispatch_id} was made by Python {manifest.python}, and this is {here}: redispatch it "
            "from that version, or without other arguments and electrons"
        )


def _completed(record: Record) -> set[int]:
    """The nodes that have a result."""
    wanted = [node.id for node in record.manifest.nodes if node.kind.is_recorded]
    return {each.id for each in record.nodes(wanted) if each.status is Status.COMPLETED}


def _digests(manifest: Manifest) -> set[str]:
    parts = (part for node in manifest.nodes for part in (node.function, node.hooks, node.value))
    return {part.digest for part in parts if part is not None}
