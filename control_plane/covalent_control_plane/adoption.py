"""Make dispatches of sublattices: of what a runner has built, as `registration` does of what a client has sent.

manifest read -> checked -> compiled -> documents -> the dispatch appears -> its parent's node names it -> machines made

What was built comes from users' code. So whose the dispatch is, its id and its root are taken from the parent, never
from the manifest. All of it may be repeated: everything follows from the manifest, and the first one of a node stays.

A parent may be cancelled meanwhile. Who cancels marks the parent first and then looks for its children; here the child
is written first and then the parent is looked at. So one of the two sees the other, and ends the child.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from covalent_contracts import clock, keys, records
from covalent_contracts.errors import Conflict, InvalidWorkflow, NotFound, Unavailable
from covalent_contracts.ids import digest_of, sub_dispatch_id
from covalent_contracts.manifest import Manifest, NodeKind
from covalent_contracts.status import Status
from covalent_control_plane import machines, manifests, objects, registration, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import DispatchItem
from covalent_control_plane.telemetry import annotate, count, log
from covalent_control_plane.transient import will_pass
from covalent_step_functions import quotas
from covalent_step_functions.check import check_uploads
from covalent_step_functions.compiler import compile_dispatch


@dataclass(frozen=True)
class Adopted:
    """A dispatch whose machine is there; who called starts it."""

    dispatch_id: str
    machine: str
    """ARN."""


def adopt(aws: Aws, parent_id: str, node: int) -> Adopted:
    """Make the dispatch that a sublattice has become.

    Raises:
        NotFound: there is no such dispatch, or nothing was built for the node.
        InvalidWorkflow: what was built cannot run.
        Conflict: the sublattice, or the dispatch around it, has ended meanwhile.
        Unavailable: AWS is busy; the next call goes on.

    """
    try:
        return _adopted(aws, parent_id, node)
    except Exception as exc:
        if will_pass(exc):
            raise Unavailable(f"sublattice {node} of {parent_id} cannot start now: {exc}") from exc
        raise


def _adopted(aws: Aws, parent_id: str, node: int) -> Adopted:
    parent = store.find(parent_id)
    if parent is None:
        raise NotFound(f"there is no dispatch {parent_id}")
    child_id = sub_dispatch_id(parent_id, node)
    annotate(child_id)
    item = store.find(child_id) or _appeared(aws, parent, node, child_id)
    if (item.parent, item.parent_node, item.owner) != (parent_id, node, parent.owner):
        raise Conflict(f"the id {child_id} belongs to another dispatch")
    _tie(parent_id, node, item)
    machines.ensure(aws, item.machine, child_id)
    return Adopted(child_id, aws.machine_arn(item.machine))


def _tie(parent_id: str, node: int, item: DispatchItem) -> None:
    """Let the parent's node name its dispatch, which ends if that is no longer wanted."""
    is_bound = store.bind_child(parent_id, node, item.dispatch_id)
    parent = store.find(parent_id)
    if parent is not None and not parent.state.is_final and (is_bound or _is_done(parent_id, node)):
        return
    store.advance(item.dispatch_id, Status.CANCELLED, ended=clock.now())
    raise Conflict(
        f"the sublattice {node} of dispatch {parent_id} has ended before its own dispatch began"
    )


def _is_done(parent_id: str, node: int) -> bool:
    record = store.nodes(parent_id, [node]).get(node)
    return record is not None and record.state is Status.COMPLETED


def _appeared(aws: Aws, parent: DispatchItem, node: int, child_id: str) -> DispatchItem:
    quotas.SUBLATTICES.check(_depth(parent))
    manifest = _built(aws, parent, node, child_id)
    lacking = aws.threads.submit(objects.missing, aws, parent.owner, manifest.uploads)
    compiled = compile_dispatch(manifest, registration.place_of(aws), parent.owner)
    document = manifests.dump(manifest)
    if missing := lacking.result():
        raise InvalidWorkflow(
            f"{len(missing)} objects of sublattice {node} are missing or truncated"
        )
    written = registration.documents(child_id, compiled) | {keys.manifest(child_id): document}
    objects.write(aws, written)
    item = _item(parent, node, manifest, digest_of(document), compiled.name)
    item.execution = aws.execution_arn(compiled.name, child_id)
    store.appear(item)
    manifests.keep(manifest, item.manifest)
    log().info("adopted", correlation_id=child_id, parent=parent.dispatch_id, node=node)
    count("DispatchesStarted")
    return item


def _built(aws: Aws, parent: DispatchItem, node: int, child_id: str) -> Manifest:
    """What was built for a node, with what only the parent may decide.

    Raises:
        NotFound: nothing was built.
        InvalidWorkflow: it is not the graph of this sublattice.

    """
    document = objects.read(aws, keys.sub_manifest(parent.dispatch_id, node))
    quotas.BUILT.check(len(document))
    try:
        manifest = Manifest.model_validate_json(document)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidWorkflow(
            f"the graph of sublattice {node} is malformed: {where}: {first['msg']}"
        ) from exc
    if manifest.dispatch_id != child_id:
        raise InvalidWorkflow(f"the graph of sublattice {node} is that of another dispatch")
    if manifest.redispatch_of is not None or any(
        each.reused is not None for each in manifest.nodes
    ):
        raise InvalidWorkflow(f"the graph of sublattice {node} reuses another dispatch")
    if not manifest.nodes or manifest.nodes[-1].kind is not NodeKind.POSTPROCESS:
        raise InvalidWorkflow(f"the graph of sublattice {node} does not end with what it returns")
    check_uploads(manifest)
    return manifest.model_copy(update={"root_dispatch_id": parent.root_dispatch_id})


def _item(
    parent: DispatchItem, node: int, manifest: Manifest, digest: str, machine: str
) -> DispatchItem:
    now = clock.now()
    return DispatchItem(
        records.dispatch_pk(manifest.dispatch_id),
        records.DISPATCH,
        owner=parent.owner,
        shared_with=parent.shared_with,
        adopted=now,
        started=now,
        status=Status.RUNNING.value,
        name=manifest.lattice.name,
        root_dispatch_id=parent.root_dispatch_id,
        parent=parent.dispatch_id,
        parent_node=node,
        depth=_depth(parent),
        nodes=len(manifest.nodes),
        manifest=digest,
        machine=machine,
        electrons=dict(manifests.electrons(manifest)),
    )


def _depth(parent: DispatchItem) -> int:
    return (parent.depth or 0) + 1


def event_of(event: Mapping[str, Any]) -> tuple[str, int]:
    """The dispatch and the node that an event asks for."""
    return str(event["dispatch_id"]), int(event["node"])
