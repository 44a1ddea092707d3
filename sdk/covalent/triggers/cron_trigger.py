"""A trigger that fires at the times of a cron expression."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from covalent.triggers.base import BaseTrigger
from covalent_contracts import cron

if TYPE_CHECKING:
    from covalent_contracts.triggers import CronSettings


class CronTrigger(BaseTrigger):
    """Runs a workflow at the times of a cron expression, to the minute.

    Args:
        expression: five fields as on Unix ("0 9 * * 1-5": at nine from Monday to Friday), or six as AWS has them.
        timezone: the time zone that it counts in, such as "Europe/Berlin".
        lattice_dispatch_id: as for `BaseTrigger`.
        dispatcher_addr: as for `BaseTrigger`.
        triggers_server_addr: as for `BaseTrigger`.
        overlap: as for `BaseTrigger`.

    Raises:
        ValueError: it is no cron expression, or one that never fires, or there is no such time zone.

    """

    def __init__(
        self,
        expression: str,
        timezone: str = "UTC",
        lattice_dispatch_id: str | None = None,
        dispatcher_addr: str | None = None,
        triggers_server_addr: str | None = None,
        *,
        overlap: str = "allow",
    ) -> None:
        super().__init__(
            lattice_dispatch_id, dispatcher_addr, triggers_server_addr, overlap=overlap
        )
        self.expression = expression
        self.timezone = timezone
        self.stop_flag = threading.Event()
        if self.following() is None:
            raise ValueError(f"{expression!r} never fires: there is no such time to come")

    def following(self, moment: datetime | None = None) -> datetime | None:
        """When it fires next after a moment (now, if none is given); None for never."""
        try:
            zone = ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ValueError(f"there is no time zone {self.timezone!r}") from exc
        return cron.parse(self.expression).following((moment or datetime.now(UTC)).astimezone(zone))

    def observe(self) -> None:
        """Fire at the times of the expression until `stop` is called, in this process.

        A registered trigger needs nobody to observe: the control plane does.
        """
        stopped = self.stop_flag = self.stop_flag or threading.Event()
        while moment := self.following():
            if stopped.wait(max(0.0, (moment - datetime.now(UTC)).total_seconds())):
                return
            self.trigger({"kind": "cron", "time": moment.isoformat()})

    def stop(self) -> None:
        """End `observe`."""
        if self.stop_flag is not None:
            self.stop_flag.set()

    def _settings(self) -> CronSettings:
        from covalent_contracts.triggers import CronSettings  # noqa: PLC0415  # loads pydantic

        return CronSettings(expression=self.expression, timezone=self.timezone)
