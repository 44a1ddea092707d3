"""What every trigger can do."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    import threading

    from covalent_contracts.triggers import Settings

_OVERLAPS = ("allow", "skip", "queue")
_OF_A_PROCESS = ("stop_flag", "event_loop")
"""Attributes that mean nothing to another process."""


class BaseTrigger:
    """Runs a workflow whenever something happens. To be subclassed: `observe` waits for it and calls `trigger`.

    A subclass of your own observes on the machine that dispatched the workflow, in the process of the local server or
    of `covalent start --triggers-only`: the trigger travels there as a pickle, which nothing else opens.

    Args:
        lattice_dispatch_id: the dispatch to run; set when a lattice with this trigger is dispatched.
        dispatcher_addr: the control plane that has the dispatch; None means the configured one.
        triggers_server_addr: the control plane to register with; None means that of the dispatcher.
        overlap: what to do while the run before has not ended: "allow" another one, "skip" it, or "queue" it.

    Attributes:
        lattice_dispatch_id: the dispatch that runs first; each later run is a new one of the same workflow.
        dispatcher_addr: as given.
        triggers_server_addr: as given.
        observe_blocks: whether `observe` returns only when it is stopped.
        event_loop: not used; for subclasses that need one.
        use_internal_funcs: False: dispatches are always run through the API.
        stop_flag: for `observe` and `stop` of subclasses.

    """

    def __init__(
        self,
        lattice_dispatch_id: str | None = None,
        dispatcher_addr: str | None = None,
        triggers_server_addr: str | None = None,
        *,
        overlap: str = "allow",
    ) -> None:
        if overlap not in _OVERLAPS:
            raise ValueError(f"overlap is {overlap!r}: it must be one of {', '.join(_OVERLAPS)}")
        self.lattice_dispatch_id = lattice_dispatch_id
        self.dispatcher_addr = dispatcher_addr
        self.triggers_server_addr = triggers_server_addr
        self.overlap = overlap
        self.observe_blocks = True
        self.event_loop: asyncio.AbstractEventLoop | None = None
        self.use_internal_funcs = False
        self.stop_flag: threading.Event | None = None
        self.trigger_id: str | None = None

    @abstractmethod
    def observe(self) -> None:
        """Wait for what shall run the workflow, and call `trigger` whenever it happens."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it observes")

    @abstractmethod
    def stop(self) -> None:
        """Make `observe` end."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it stops")

    @property
    def new_dispatch_ids(self) -> list[str]:
        """The dispatches that this trigger has made (the last hundred), without the one that ran first."""
        if self.trigger_id is None:
            return []
        from covalent._triggers import registration  # noqa: PLC0415  # loads httpx, pydantic

        return [run for run in registration.runs(self) if run != self.lattice_dispatch_id]

    def register(self) -> None:
        """Have the control plane, or a watcher on this machine, observe from now on.

        Raises:
            RuntimeError: no dispatch is connected to this trigger.
            InvalidWorkflow: it could never fire.
            NotFound: the dispatch is not there.

        """
        from covalent._triggers import registration  # noqa: PLC0415  # loads httpx, pydantic

        self.trigger_id = registration.register(self, self._settings())

    def trigger(self, event: Any = None) -> None:
        """Run the workflow of the connected dispatch, once.

        Args:
            event: what has happened, as JSON; the run's electrons find it as `ct.get_context().event`.

        Raises:
            RuntimeError: no dispatch is connected to this trigger.

        """
        from covalent._triggers import registration  # noqa: PLC0415  # loads httpx, pydantic

        if self.trigger_id is None:
            self.trigger_id = registration.register(self, registration.by_hand())
        registration.fire(self, str(uuid.uuid4()), event)

    def to_dict(self) -> dict[str, Any]:
        """The trigger as a dictionary: its attributes, and its class as `name`."""
        kept = {
            name: value
            for name, value in vars(self).items()
            if not name.startswith("_") and name not in _OF_A_PROCESS
        }
        return {"name": type(self).__name__, **kept}

    def _settings(self) -> Settings:
        """What the control plane must know to watch; by default that a process on this machine does."""
        from covalent._triggers import registration  # noqa: PLC0415  # loads httpx, pydantic

        return registration.watched(self)

    def __getstate__(self) -> dict[str, Any]:
        """Without what belongs to a process."""
        return {**vars(self), **dict.fromkeys(_OF_A_PROCESS)}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.lattice_dispatch_id}>"


def whole_number(value: object, name: str, least: int = 1) -> int:
    """Check a setting that counts something.

    Raises:
        ValueError: it is too small, or no whole number.

    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"{name} is {value!r}: it must be a whole number")
    if value < least:
        raise ValueError(f"{name} is {value!r}: it must be {least} or more")
    return int(value)


__all__ = ["BaseTrigger", "whole_number"]
