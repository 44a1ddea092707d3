"""Dispatch a lattice to the configured control plane.

lattice --build--> graph --package--> manifest and objects --send--> a dispatch

build     runs the workflow function once, here          (an exception in it is the caller's)
package   pickles, addresses by digest, packs            (nothing has left this machine yet)
send      manifest, then the objects that lack, then start: only the start makes the dispatch visible
"""

from __future__ import annotations

import copy
from functools import wraps
from typing import TYPE_CHECKING, Any

from covalent._dispatcher_plugins.base import BaseDispatcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from covalent._dispatch.client import Client
    from covalent._dispatch.packaging import Package
    from covalent._results_manager.result import Result
    from covalent._workflow.lattice import Lattice

ROUNDS = 2
"""Times that objects are uploaded: once, and once more if some did not arrive."""


class LocalDispatcher(BaseDispatcher):
    """Dispatches to the control plane at `dispatcher_addr`, or at the configured address."""

    @staticmethod
    def dispatch(
        orig_lattice: Lattice, dispatcher_addr: str | None = None, disable_run: bool = False
    ) -> Callable[..., str]:
        """Prepare a lattice for dispatch.

        Args:
            orig_lattice: the workflow; it is not changed.
            dispatcher_addr: "host:port" or URL of the control plane; None means the configured one.
            disable_run: register the dispatch without running it.

        Returns:
            A callable that takes the workflow's arguments, dispatches it and returns the id of the dispatch.

        Raises:
            TypeError: `orig_lattice` is not a lattice.

        """
        _must_be_lattice(orig_lattice)

        @wraps(orig_lattice.workflow_function)
        def wrapper(*args: Any, **kwargs: Any) -> str:
            from covalent._dispatch.client import connect
            from covalent._dispatch.packaging import package

            lattice = copy.copy(orig_lattice)  # built anew: other threads may be dispatching it too
            lattice.build_graph(*args, **kwargs)
            return send(connect(dispatcher_addr), package(lattice), run=not disable_run)

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
            from covalent._results_manager.results_manager import get_result

            result: Result = get_result(
                submit(*args, **kwargs), wait=True, dispatcher_addr=dispatcher_addr
            )
            return result

        return wrapper


dispatch = LocalDispatcher.dispatch
dispatch_sync = LocalDispatcher.dispatch_sync


def send(client: Client, package: Package, *, run: bool = True) -> str:
    """Hand a package over; whatever fails before the start leaves nothing visible.

    Returns:
        The id of the dispatch.

    Raises:
        CovalentError: what the control plane answered, or that it cannot be reached.

    """
    from covalent._dispatch.upload import AddressExpired, upload
    from covalent_contracts.errors import Conflict

    dispatch_id = package.manifest.dispatch_id
    for attempt in range(1, ROUNDS + 1):
        puts = client.register(package.manifest).uploads
        try:
            upload(client.connection, puts, package.objects)
            client.start(dispatch_id, run=run)
            break
        except (Conflict, AddressExpired):
            if _is_started(client, dispatch_id):  # an earlier try got through, its answer did not
                break
            if attempt == ROUNDS:
                raise
    return dispatch_id


def _is_started(client: Client, dispatch_id: str) -> bool:
    from covalent_contracts.errors import NotFound

    try:
        client.summary(dispatch_id)
    except NotFound:
        return False
    return True


def _must_be_lattice(candidate: object) -> None:
    from covalent._workflow.lattice import Lattice

    if not isinstance(candidate, Lattice):
        given = getattr(candidate, "__name__", None) or repr(candidate)
        raise TypeError(
            f"only a lattice can be dispatched, and {given} is a {type(candidate).__name__}: "
            "decorate the workflow function with @ct.lattice"
        )
