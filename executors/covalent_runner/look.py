"""Tell how an electron stands that was in an array of jobs: the array tells no more than that some have failed."""

from covalent_contracts.envelope import Look
from covalent_contracts.status import Status
from covalent_runner import inputs
from covalent_runner.errors import ElectronFailed, Unsettled, UpstreamFailed
from covalent_runner.report import sheet_of
from covalent_runner.store import Record, Store


def look(store: Store, event: Look) -> None:
    """Return if the electron is COMPLETED.

    Raises:
        ElectronFailed: it has failed.
        UpstreamFailed: it was cancelled, or something that it needs is not COMPLETED.
        Unsettled: it could have run, and has no result.

    """
    dispatch_id, node = event.dispatch_id, event.node
    record = store.records(dispatch_id, [node]).get(node, Record(Status.NEW_OBJECT))
    match record.status:
        case Status.COMPLETED:
            return
        case Status.FAILED:
            raise ElectronFailed(f"electron {node} had failed")
        case Status.CANCELLED:
            raise UpstreamFailed(f"electron {node} was cancelled")
        case _:
            inputs.completed(store, dispatch_id, sheet_of(store, dispatch_id, node))
            raise Unsettled(f"electron {node} has no result")
