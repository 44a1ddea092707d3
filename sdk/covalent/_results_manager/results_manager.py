"""Ask for the result of a dispatch."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from covalent._dispatch.client import Client
    from covalent._results_manager.result import Result
    from covalent_contracts.api import Summary


def get_result(
    dispatch_id: str,
    wait: bool = False,
    dispatcher_addr: str | None = None,
    status_only: bool = False,
    *,
    results_dir: str | os.PathLike[str] | None = None,
    workflow_output: bool = True,
    intermediate_outputs: bool = True,
    sublattice_results: bool = True,
) -> Any:
    """Get the result of a dispatch.

    Args:
        dispatch_id: what `ct.dispatch` returned.
        wait: wait until the dispatch has ended. Ctrl-C ends the waiting, not the dispatch.
        dispatcher_addr: "host:port" or URL of the control plane; None means the configured one.
        status_only: ask for the status only.
        results_dir: where `Result.save_result` writes; None means `sdk.results_dir` of the configuration.
        workflow_output: fetch what the lattice returned now, rather than when `Result.result` is first looked at.
        intermediate_outputs: put the outputs of the electrons into the graph of `Result.lattice`.
        sublattice_results: accepted for compatibility; nothing of a child dispatch is fetched before it is looked at.

    Returns:
        A `Result`; with `status_only`, {"id": ..., "status": ...}, the status a plain string.

    Raises:
        MissingLatticeRecordError: there is no such dispatch.
        Unavailable: no server answers.

    """
    del sublattice_results
    from covalent._dispatch.client import connect

    client = connect(dispatcher_addr)
    summary = _summary(client, dispatch_id, wait=wait)
    if status_only:
        return {"id": dispatch_id, "status": summary.status.value}
    result = _result(client, summary, dispatcher_addr, results_dir, intermediate_outputs)
    if workflow_output:
        result.load_output()
    return result


def _delete_result(
    dispatch_id: str, results_dir: str | os.PathLike[str] | None = None
) -> None:
    """Remove what `Result.save_result` wrote for a dispatch. Nothing happens if there is nothing."""
    from covalent._results_manager.result import results_root

    _must_be_id(dispatch_id)
    folder = results_root(results_dir) / dispatch_id
    if folder.exists():
        shutil.rmtree(folder)


def _summary(client: Client, dispatch_id: str, *, wait: bool) -> Summary:
    from covalent._results_manager.waiting import wait_until_final
    from covalent._shared_files.exceptions import MissingLatticeRecordError
    from covalent_contracts.errors import NotFound

    _must_be_id(dispatch_id)
    try:
        return wait_until_final(client, dispatch_id) if wait else client.summary(dispatch_id)
    except NotFound as exc:
        raise MissingLatticeRecordError(f"there is no dispatch {dispatch_id}: {exc}") from exc


def _must_be_id(dispatch_id: str) -> None:
    """An id becomes part of addresses and paths: nothing else may pass."""
    from covalent._shared_files.exceptions import MissingLatticeRecordError
    from covalent_contracts.ids import is_dispatch_id

    if not is_dispatch_id(dispatch_id):
        raise MissingLatticeRecordError(
            f"there is no dispatch {dispatch_id!r}: that is not a dispatch id"
        )


def _result(
    client: Client,
    summary: Summary,
    dispatcher_addr: str | None,
    results_dir: str | os.PathLike[str] | None,
    with_outputs: bool,
) -> Result:
    from covalent._results_manager.record import Record
    from covalent._results_manager.result import Result

    record = Record(summary, client, dispatcher_addr)
    root = None if results_dir is None else str(results_dir)
    return Result.from_record(record, root, with_outputs=with_outputs)
