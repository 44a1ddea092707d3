"""Ask for the result of a dispatch."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Literal, overload

from covalent._results_manager.result import Result, results_root
from covalent._shared_files.exceptions import InvalidArguments, MissingLatticeRecordError
from covalent_contracts.errors import NotFound
from covalent_contracts.ids import is_dispatch_id

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


@overload
def get_result(
    dispatch_id: str,
    wait: bool = ...,
    dispatcher_addr: str | None = ...,
    status_only: Literal[False] = ...,
    *,
    results_dir: str | os.PathLike[str] | None = ...,
    workflow_output: bool = ...,
    intermediate_outputs: bool = ...,
    sublattice_results: bool = ...,
) -> Result: ...


@overload
def get_result(
    dispatch_id: str,
    wait: bool = ...,
    dispatcher_addr: str | None = ...,
    status_only: bool = ...,
    *,
    results_dir: str | os.PathLike[str] | None = ...,
    workflow_output: bool = ...,
    intermediate_outputs: bool = ...,
    sublattice_results: bool = ...,
) -> Any: ...


def get_result(
    dispatch_id: str,
    wait: bool = False,
    dispatcher_addr: str | None = None,
    status_only: bool = False,
    *,
    results_dir: str | os.PathLike[str] | None = None,
    workflow_output: bool = True,
    intermediate_outputs: bool = True,
    sublattice_results: bool = True,  # noqa: ARG001  # see the docstring
) -> Any:
    """Get the result of a dispatch.

    Args:
        dispatch_id: what `ct.dispatch` returned.
        wait: wait until the dispatch has ended. Ctrl-C ends the waiting, not the dispatch.
        dispatcher_addr: "host:port" or URL of the control plane, or a profile; None means the configured one.
        status_only: ask for the status only.
        results_dir: where `Result.save_result` writes; None means `sdk.results_dir` of the configuration.
        workflow_output: fetch what the lattice returned now, rather than when `Result.result` is first looked at.
        intermediate_outputs: put the outputs of the electrons into the graph of `Result.lattice`.
        sublattice_results: accepted for compatibility; child dispatches are never fetched before they are looked at.

    Returns:
        A `Result`; with `status_only`, {"id": ..., "status": ...}, the status a plain string.

    Raises:
        MissingLatticeRecordError: there is no such dispatch.
        Unavailable: no server answers.

    """
    from covalent._results_manager.reading import read  # noqa: PLC0415  # loads httpx, pydantic

    must_be_id(dispatch_id)
    record = read(dispatch_id, dispatcher_addr, wait=wait)
    if status_only:
        return {"id": dispatch_id, "status": record.summary.status.value}
    root = None if results_dir is None else str(results_dir)
    result = Result.from_record(record, root, with_outputs=intermediate_outputs)
    if workflow_output:
        result.load_output()
    return result


def cancel(
    dispatch_id: str,
    task_ids: int | Sequence[int] | None = None,
    dispatcher_addr: str | None = None,
) -> str:
    """Cancel a dispatch, or some of its tasks: what runs is stopped, and what follows never starts.

    Args:
        dispatch_id: what `ct.dispatch` returned.
        task_ids: ids of electrons; None cancels the whole dispatch.
        dispatcher_addr: "host:port" or URL of the control plane, or a profile; None means the configured one.

    Returns:
        What came of it. What has ended stays as it is, and the text says so.

    Raises:
        MissingLatticeRecordError: there is no such dispatch.
        InvalidWorkflow: it has no such task.
        InvalidArguments: no task is named.
        Unavailable: no server answers.

    """
    from covalent._dispatch.client import connect  # noqa: PLC0415  # loads httpx, pydantic

    must_be_id(dispatch_id)
    tasks = [task_ids] if isinstance(task_ids, int) else task_ids
    if tasks is not None and not tasks:
        raise InvalidArguments(
            "task_ids is empty: name the tasks to cancel, or leave it out to cancel the whole dispatch"
        )
    client = connect(dispatcher_addr)
    try:
        return client.cancel(dispatch_id, tasks).message
    except NotFound as exc:
        where = client.connection.endpoint.url
        raise MissingLatticeRecordError(f"there is no dispatch {dispatch_id} at {where}") from exc


def _delete_result(dispatch_id: str, results_dir: str | os.PathLike[str] | None = None) -> None:
    """Remove what `Result.save_result` wrote for a dispatch. Nothing happens if there is nothing."""
    must_be_id(dispatch_id)
    folder = results_root(results_dir) / dispatch_id
    if folder.exists():
        shutil.rmtree(folder)


def must_be_id(dispatch_id: str) -> None:
    """An id becomes part of addresses and paths: nothing else may pass."""
    if not isinstance(dispatch_id, str):
        raise TypeError(
            f"a dispatch id is the text that covalent.dispatch(lattice)(...) returns, not {dispatch_id!r}"
        )
    if not is_dispatch_id(dispatch_id):
        raise MissingLatticeRecordError(
            f"there is no dispatch {dispatch_id!r}: that is not a dispatch id"
        )
