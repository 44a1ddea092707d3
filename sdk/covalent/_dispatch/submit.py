"""Hand a built lattice over to a control plane.

lattice --package--> manifest and objects --check, register--> draft --upload--> draft with objects --start--> dispatch

package   pickles, addresses by digest, packs            (nothing has left this machine yet)
check     refuses what a deployment on AWS would refuse  (nor then)
register  stores the manifest, says which objects lack   (a draft is visible to nobody)
upload    puts those objects into the store
start     checks that all are there; only now there is a dispatch
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from covalent._dispatch.client import connect
from covalent._dispatch.packaging import package
from covalent._dispatch.recent import remember
from covalent._dispatch.upload import AddressExpired, upload
from covalent.executor.cluster_address import cluster_address
from covalent_contracts.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from covalent._dispatch.client import Client
    from covalent._dispatch.packaging import Package
    from covalent._workflow.lattice import Lattice
    from covalent_contracts.api import Put
    from covalent_contracts.manifest import Manifest

ROUNDS = 2
"""Times that objects are uploaded: once, and once more if some did not arrive."""


def submit(lattice: Lattice, dispatcher_addr: str | None = None, *, run: bool = True) -> str:
    """Dispatch a lattice whose graph is built.

    Returns:
        The id of the dispatch.

    Raises:
        CovalentError: what the control plane answered, or that it cannot be reached.

    """
    client = connect(dispatcher_addr)
    return send(client, package(lattice, cluster=cluster_for(client)), run=run)


def cluster_for(client: Client) -> str:
    """The Dask cluster of this machine, if electrons run here too; "" if not."""
    return "" if client.connection.endpoint.is_deployed else cluster_address()


def send(client: Client, package: Package, *, run: bool = True) -> str:
    """Register, upload and start a package; whatever fails before the start leaves nothing visible."""
    if client.connection.endpoint.is_deployed:
        _check(package.manifest)
    dispatch_id = package.manifest.dispatch_id
    for attempt in range(1, ROUNDS + 1):
        puts = client.register(package.manifest).uploads
        _refuse_lost(puts, package)
        try:
            upload(
                client.connection,
                puts,
                package.objects,
                lambda: client.register(package.manifest).uploads,
            )
            client.start(dispatch_id, run=run)
            break
        except (Conflict, AddressExpired):
            if _is_started(client, dispatch_id):  # an earlier try got through, its answer did not
                break
            if attempt == ROUNDS:
                raise
    remember(package)
    return dispatch_id


def _check(manifest: Manifest) -> None:
    """Refuse a request that API Gateway and Lambda would refuse without saying why.

    Raises:
        LimitExceeded: with the limit.

    """
    from covalent_step_functions.check import check_request  # noqa: PLC0415  # only for those who deploy

    check_request(manifest)


def _refuse_lost(puts: Sequence[Put], package: Package) -> None:
    lost = [put.digest for put in puts if put.digest not in package.objects]
    if lost:
        raise Conflict(
            f"{len(lost)} objects of dispatch {package.manifest.redispatch_of} are no longer stored: dispatch the "
            "lattice anew"
        )


def _is_started(client: Client, dispatch_id: str) -> bool:
    try:
        client.summary(dispatch_id)
    except NotFound:
        return False
    return True
