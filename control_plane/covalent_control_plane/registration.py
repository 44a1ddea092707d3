"""Accept a manifest: check it, compile it, store what its execution needs, and say what is still to be uploaded.

Nothing is written before the manifest has passed every check. The draft comes first: of two manifests with one id
it lets one through, and only that one's documents are written. The manifest comes last: without it nothing can be
started, so a registration that was cut short must be made again, and writes all of it again.
"""

from collections.abc import Iterable

from covalent_contracts import clock, keys, records
from covalent_contracts.api import Registered
from covalent_contracts.errors import Conflict, NewerWire
from covalent_contracts.ids import digest_of
from covalent_contracts.manifest import WIRE, Manifest, Upload
from covalent_control_plane import answers, machines, manifests, objects, reuse, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import DispatchItem, DraftItem
from covalent_control_plane.telemetry import annotate, count, log
from covalent_executors.place import Place
from covalent_step_functions.check import check_uploads
from covalent_step_functions.compiler import Compiled, compile_dispatch

DRAFT_LIFETIME = 24 * 3600
"""Seconds until a draft that was never started expires."""


def register(aws: Aws, owner: str, manifest: Manifest) -> Registered:
    """Register a dispatch. The same manifest twice is the same as once.

    Raises:
        InvalidWorkflow: it cannot run as written (cycle, executor, Python version, limit).
        Conflict: the id belongs to another manifest, or a node to reuse is not COMPLETED.
        NotFound: the dispatch to repeat is not there, or not the owner's.
        NewerWire: the manifest's form is newer than this control plane.

    """
    annotate(manifest.dispatch_id)
    _check(manifest)
    reuse.check(owner, manifest)
    lacking = aws.threads.submit(objects.missing, aws, owner, manifest.uploads)
    compiled = compile_dispatch(manifest, place_of(aws), owner)
    document = manifests.dump(manifest)
    digest = digest_of(document)
    has_appeared = _has_appeared(owner, manifest.dispatch_id, digest)
    pending = lacking.result()
    item = _draft(owner, manifest.dispatch_id, digest, compiled.name, pending)
    if not store.draft(item):
        raise _taken(manifest.dispatch_id)
    if not has_appeared:
        objects.write(aws, documents(manifest.dispatch_id, compiled))
        objects.write(aws, {keys.manifest(manifest.dispatch_id): document})
    manifests.keep(manifest, digest)
    log().info("registered", correlation_id=manifest.dispatch_id, nodes=len(manifest.nodes))
    count("DispatchesRegistered")
    return _answer(aws, owner, manifest.dispatch_id, pending)


def _check(manifest: Manifest) -> None:
    if manifest.wire > WIRE:
        raise NewerWire(upgrade(manifest.wire))
    check_uploads(manifest)


def upgrade(wire: int) -> str:
    """What to tell someone whose manifest is newer than this deployment."""
    return (
        f"the manifest has wire version {wire}, this control plane knows {WIRE}: "
        "upgrade the deployment, or install the Covalent version that belongs to it"
    )


def place_of(aws: Aws) -> Place:
    """What the deployment offers to the compiler."""
    settings = aws.settings
    return Place(
        runners=settings.runners,
        prefix=f"{settings.prefix}-",
        runner_seconds=settings.runner_seconds,
        machines=aws.machine_arn(""),
        builders=settings.builders,
        adopter=settings.adopter,
        batch=settings.batch,
        ecs=settings.ecs,
        ec2=settings.ec2,
        braket=settings.braket,
        bridge=settings.bridge,
        reads_files=settings.bridge_reads_files,
    )


def _has_appeared(owner: str, dispatch_id: str, digest: str) -> bool:
    item = store.find_registered(dispatch_id)
    if item is not None and (item.owner, item.manifest) != (owner, digest):
        raise _taken(dispatch_id)
    return isinstance(item, DispatchItem)


def _taken(dispatch_id: str) -> Conflict:
    return Conflict(f"the id {dispatch_id} belongs to another manifest")


def documents(dispatch_id: str, compiled: Compiled) -> dict[str, bytes]:
    """What the execution of a dispatch needs in the bucket, by key."""
    sheets = {keys.sheets(dispatch_id, page): body for page, body in compiled.pages.items()}
    return {
        keys.machines(dispatch_id): machines.dump(compiled.machines),
        **sheets,
    }


def _draft(
    owner: str, dispatch_id: str, digest: str, machine: str, pending: Iterable[Upload]
) -> DraftItem:
    now = clock.now()
    return DraftItem(
        records.dispatch_pk(dispatch_id),
        records.DRAFT,
        owner=owner,
        registered=now,
        manifest=digest,
        machine=machine,
        pending={upload.digest for upload in pending} or None,
        ttl=now // 1_000_000 + DRAFT_LIFETIME,
    )


def _answer(aws: Aws, owner: str, dispatch_id: str, pending: Iterable[Upload]) -> Registered:
    """As many addresses as one answer can hold; whoever starts the dispatch then is told to register again."""
    uploads = answers.fitting(objects.put_address(aws, owner, upload) for upload in pending)
    return Registered(dispatch_id=dispatch_id, uploads=list(uploads))
