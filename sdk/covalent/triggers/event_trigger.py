"""A trigger that fires when an event of AWS matches a pattern."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from covalent.triggers.base import BaseTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from covalent_contracts.triggers import EventSettings

_PATTERNS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html"


class EventTrigger(BaseTrigger):
    """Runs a workflow when an event on the account's default bus of EventBridge matches a pattern.

    Args:
        pattern: as EventBridge has it, such as `{"source": ["my.application"], "detail-type": ["New data"]}`.
        lattice_dispatch_id: as for `BaseTrigger`.
        dispatcher_addr: as for `BaseTrigger`.
        triggers_server_addr: as for `BaseTrigger`.
        overlap: as for `BaseTrigger`.

    Raises:
        ValueError: it is no pattern.

    """

    def __init__(
        self,
        pattern: Mapping[str, Any],
        lattice_dispatch_id: str | None = None,
        dispatcher_addr: str | None = None,
        triggers_server_addr: str | None = None,
        *,
        overlap: str = "allow",
    ) -> None:
        super().__init__(
            lattice_dispatch_id, dispatcher_addr, triggers_server_addr, overlap=overlap
        )
        self.pattern = _checked(pattern)

    def observe(self) -> NoReturn:
        """Refused: EventBridge observes, once the trigger is registered."""
        raise RuntimeError("EventBridge observes for an EventTrigger: call register() instead")

    def stop(self) -> None:
        """Nothing runs here; `ct.stop_triggers` stops the trigger."""

    def _settings(self) -> EventSettings:
        from covalent_contracts.triggers import EventSettings  # noqa: PLC0415  # loads pydantic

        return EventSettings(pattern=self.pattern)


def _checked(pattern: Mapping[str, Any]) -> dict[str, Any]:
    """The pattern as JSON would give it back."""
    try:
        made = json.loads(json.dumps(dict(pattern)))
    except (TypeError, ValueError) as exc:
        raise ValueError(f"the pattern of an EventTrigger is JSON: {exc}; see {_PATTERNS}") from exc
    if not made:
        raise ValueError(f"an empty pattern would match every event; see {_PATTERNS}")
    for field, wanted in made.items():
        if not isinstance(wanted, list | dict) or not wanted:
            raise ValueError(
                f"{field!r} of the pattern is {wanted!r}: it must be a list of what is wanted, "
                f"or fields of it; see {_PATTERNS}"
            )
    return dict(made)
