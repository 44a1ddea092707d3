"""Dispatch a lattice to the configured control plane."""

from __future__ import annotations

import copy
from functools import wraps
from typing import TYPE_CHECKING, Any

from covalent._dispatcher_plugins.base import BaseDispatcher
from covalent._results_manager.results_manager import get_result, must_be_id
from covalent._workflow.electron import Electron
from covalent._workflow.lattice import Lattice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from covalent._results_manager.result import Result


class LocalDispatcher(BaseDispatcher):
    """Dispatches to the control plane at `dispatcher_addr`, or at the configured address."""

    @staticmethod
    def dispatch(
        orig_lattice: Lattice, dispatcher_addr: str | None = None, disable_run: bool = False
    ) -> Callable[..., str]:
        """Prepare a lattice for dispatch.

        Args:
            orig_lattice: the workflow; it is not changed.
            dispatcher_addr: "host:port" or URL of the control plane, or the name of a profile; None means the
                configured one.
            disable_run: register the dispatch without running it.

        Returns:
            A callable that takes the workflow's arguments, dispatches it and returns the id of the dispatch. It
            raises what the workflow function raises (nothing is sent then), and the errors of
            `covalent_contracts.errors`.

        Raises:
            TypeError: `orig_lattice` is not a lattice.

        """
        _must_be_lattice(orig_lattice)

        @wraps(orig_lattice.workflow_function)
        def wrapper(*args: Any, **kwargs: Any) -> str:
            from covalent._dispatch.submit import submit  # noqa: PLC0415  # loads httpx, pydantic

            lattice = copy.copy(orig_lattice)  # other threads may be dispatching it too
            lattice.build_graph(*args, **kwargs)
            if not lattice.metadata["triggers"]:
                return submit(lattice, dispatcher_addr, run=not disable_run)
            return _submit_with_triggers(lattice, dispatcher_addr)

        return wrapper

    @staticmethod
    def dispatch_sync(
        lattice: Lattice, dispatcher_addr: str | None = None
    ) -> Callable[..., Result]:
        """Prepare a lattice for dispatch; the callable waits for the end and returns the `Result`.

        Raises:
            TypeError: `lattice` is not a lattice.

        """
        submit = LocalDispatcher.dispatch(lattice, dispatcher_addr)

        @wraps(lattice.workflow_function)
        def wrapper(*args: Any, **kwargs: Any) -> Result:
            dispatch_id = submit(*args, **kwargs)
            return get_result(dispatch_id, wait=True, dispatcher_addr=dispatcher_addr)

        return wrapper

    @staticmethod
    def redispatch(
        dispatch_id: str,
        dispatcher_addr: str | None = None,
        replace_electrons: Mapping[str, Callable[..., Any]] | None = None,
        reuse_previous_results: bool = False,
        is_pending: bool = False,
    ) -> Callable[..., str]:
        """Prepare to dispatch again what has ended, whatever its end was.

        Args:
            dispatch_id: the dispatch to repeat; one's own.
            dispatcher_addr: as for `dispatch`.
            replace_electrons: electrons by the name of the one whose every call they take over.
            reuse_previous_results: run only what has no result yet, and what follows a difference: in name, function,
                constants or dependencies. What is reused costs nothing.
            is_pending: the dispatch was registered with `disable_run=True`: start it, itself.

        Returns:
            A callable that takes other arguments of the workflow, or none to keep all of them, positional and keyword;
            it returns the id of the new dispatch (with `is_pending`, the old one). It raises
            `MissingLatticeRecordError` for an unknown dispatch, `Conflict` for one that still runs, `InvalidWorkflow`
            for an electron that the workflow does not call, and what `dispatch` raises.

        Raises:
            TypeError: what is to replace an electron is no function.

        """
        must_be_id(dispatch_id)
        electrons = {
            name: _electron_of(name, each) for name, each in (replace_electrons or {}).items()
        }

        def wrapper(*args: Any, **kwargs: Any) -> str:
            from covalent._dispatcher_plugins.repetition import (  # noqa: PLC0415  # loads httpx, pydantic
                Changes,
                repeat,
                start_pending,
            )

            changes = Changes(args, kwargs, electrons)
            if is_pending:
                return start_pending(dispatch_id, dispatcher_addr, changes)
            return repeat(dispatch_id, dispatcher_addr, changes, reuse=reuse_previous_results)

        return wrapper


dispatch = LocalDispatcher.dispatch
dispatch_sync = LocalDispatcher.dispatch_sync
redispatch = LocalDispatcher.redispatch


def _electron_of(name: str, candidate: Any) -> Electron:
    """The electron in a decorated function; a plain function becomes one."""
    found = getattr(candidate, "electron_object", candidate)
    if isinstance(found, Electron):
        return found
    if not callable(found):
        raise TypeError(f"electron {name!r} can only be replaced by an electron, not {candidate!r}")
    return Electron(found)


def _submit_with_triggers(lattice: Lattice, dispatcher_addr: str | None) -> str:
    """Dispatch a lattice that runs when one of its triggers fires."""
    from covalent._dispatch.submit import submit  # noqa: PLC0415  # loads httpx, pydantic
    from covalent._triggers.registration import attached, connected  # noqa: PLC0415  # as above

    triggers = attached(lattice.metadata["triggers"])
    dispatch_id = submit(lattice, dispatcher_addr, run=False)
    connected(triggers, dispatch_id, dispatcher_addr)
    return dispatch_id


def _must_be_lattice(candidate: object) -> None:
    if not isinstance(candidate, Lattice):
        given = getattr(candidate, "__name__", None) or repr(candidate)
        raise TypeError(
            f"only a lattice can be dispatched, and {given} is a {type(candidate).__name__}: "
            "decorate the workflow function with @ct.lattice"
        )


def stop_triggers(
    dispatch_ids: str | Iterable[str], triggers_server_addr: str | None = None
) -> None:
    """Stop all triggers of dispatches. Runs that they have started go on.

    Args:
        dispatch_ids: the id that dispatching a lattice with triggers has returned, or several of them.
        triggers_server_addr: where they are registered; None means the configured dispatcher.

    Raises:
        NotFound: there is no such dispatch.

    """
    from covalent._triggers.registration import stop  # noqa: PLC0415  # loads httpx, pydantic

    stop(dispatch_ids, triggers_server_addr)
