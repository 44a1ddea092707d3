"""A trigger that fires again and again."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

from covalent.triggers.base import BaseTrigger, whole_number

if TYPE_CHECKING:
    from covalent_contracts.triggers import TimeSettings


class TimeTrigger(BaseTrigger):
    """Runs a workflow every `time_gap` seconds, counted from when it is registered: it does not drift.

    Args:
        time_gap: whole seconds, one at least.
        lattice_dispatch_id: as for `BaseTrigger`.
        dispatcher_addr: as for `BaseTrigger`.
        triggers_server_addr: as for `BaseTrigger`.
        overlap: as for `BaseTrigger`.

    Raises:
        ValueError: `time_gap` is not a whole number, or less than 1.

    """

    def __init__(
        self,
        time_gap: int,
        lattice_dispatch_id: str | None = None,
        dispatcher_addr: str | None = None,
        triggers_server_addr: str | None = None,
        *,
        overlap: str = "allow",
    ) -> None:
        super().__init__(
            lattice_dispatch_id, dispatcher_addr, triggers_server_addr, overlap=overlap
        )
        self.time_gap = whole_number(time_gap, "time_gap")
        self.stop_flag = threading.Event()

    def observe(self) -> None:
        """Fire every `time_gap` seconds until `stop` is called, in this process.

        A registered trigger needs nobody to observe: the control plane does.
        """
        stopped = self._flag()
        begin = time.monotonic()
        while not stopped.wait(_left(begin, self.time_gap)):
            self.trigger({"kind": "time", "time": time.time()})

    def stop(self) -> None:
        """End `observe`."""
        self._flag().set()

    def _flag(self) -> threading.Event:
        if self.stop_flag is None:  # as after unpickling
            self.stop_flag = threading.Event()
        return self.stop_flag

    def _settings(self) -> TimeSettings:
        from covalent_contracts.triggers import TimeSettings  # noqa: PLC0415  # loads pydantic

        return TimeSettings(time_gap=self.time_gap)


def _left(begin: float, gap: int) -> float:
    """Seconds until the next whole number of gaps has passed."""
    passed = time.monotonic() - begin
    return (math.floor(passed / gap) + 1) * gap - passed
