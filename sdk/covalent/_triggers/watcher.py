"""Watches, on this machine, for what nothing on AWS can watch for: local folders, databases, users' own triggers.

Their pickles are opened here and nowhere else. Which triggers there are is asked from the control plane: again whenever
it may have changed, as far as somebody tells, and else every POLL_SECONDS.

    python -m covalent._triggers --told           told by lines on standard input, until it is closed (the local server)
    python -m covalent._triggers --state-file F   asks by itself, until SIGTERM (`covalent start --triggers-only`)
"""

from __future__ import annotations

import logging
import threading
import time
from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from covalent._triggers import registration
from covalent_contracts import pickling
from covalent_contracts.errors import CovalentError
from covalent_contracts.triggers import State, Trigger, WatchedSettings

if TYPE_CHECKING:
    from covalent._dispatch.client import Client
    from covalent.triggers.base import BaseTrigger

POLL_SECONDS = 15.0
"""Seconds after which a watcher that nobody tells anything asks again."""
PAUSE_SECONDS = 10.0
"""Seconds after which an `observe` that has raised an error is called again."""
JOIN_SECONDS = 1.0
"""What those that observe get, all together, to end by themselves."""
_LOG = logging.getLogger("covalent.triggers")


@dataclass
class Watch:
    """One trigger, and the thread in which it observes."""

    trigger: BaseTrigger
    is_over: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self) -> None:
        """Observe from now on."""
        name = f"trigger {self.trigger.trigger_id}"
        self.thread = threading.Thread(target=self._run, daemon=True, name=name)
        self.thread.start()

    def stop(self) -> None:
        """Observe no longer. One whose `stop` does nothing is left to its thread; what it fires is not heard."""
        self.is_over.set()
        try:
            self.trigger.stop()
        except Exception:  # noqa: BLE001  # it is the user's
            _LOG.exception("%r cannot be stopped", self.trigger)

    def _run(self) -> None:
        while not self.is_over.is_set():
            try:
                self.trigger.observe()
            except Exception:  # noqa: BLE001  # as above
                _LOG.exception("%r failed to observe", self.trigger)
                self.is_over.wait(PAUSE_SECONDS)
            else:
                if not self.trigger.observe_blocks:
                    return  # it goes on in a thread of its own
                self.is_over.wait(PAUSE_SECONDS)


class Watcher:
    """Keeps watch for those triggers of a control plane that belong to this machine.

    Args:
        client: the control plane.
        host: what this machine is called.

    """

    def __init__(self, client: Client, host: str) -> None:
        self._client = client
        self._host = host
        self._watches: dict[str, Watch] = {}

    def look(self) -> None:
        """Begin to watch for what is new, and stop watching for what is gone."""
        try:
            wanted = {
                each.trigger_id
                for each in registration.triggers_of(self._client)
                if self._is_ours(each)
            }
        except CovalentError as exc:
            _LOG.warning("the control plane does not tell which triggers there are: %s", exc)
            return
        for trigger_id in set(self._watches) - wanted:
            self._watches.pop(trigger_id).stop()
        for trigger_id in wanted - set(self._watches):
            self._begin(trigger_id)

    def stop(self) -> None:
        """Watch for nothing any more."""
        for each in self._watches.values():
            each.stop()
        ends = time.monotonic() + JOIN_SECONDS
        for each in self._watches.values():
            if each.thread is not None:
                each.thread.join(max(0.0, ends - time.monotonic()))
        self._watches.clear()

    def _is_ours(self, found: Trigger) -> bool:
        settings = found.settings
        is_watched = isinstance(settings, WatchedSettings) and settings.host == self._host
        return is_watched and found.state is State.ACTIVE

    def _begin(self, trigger_id: str) -> None:
        try:
            trigger = _opened(self._client.trigger(trigger_id))
        except Exception:  # noqa: BLE001  # whatever unpickling raises; the others are watched for
            _LOG.exception("the trigger %s cannot be watched for here", trigger_id)
            return
        vars(trigger)["_client"] = self._client
        watch = self._watches[trigger_id] = Watch(trigger)
        watch.start()
        _LOG.info("watching for %r", trigger)


def _opened(found: Trigger) -> BaseTrigger:
    """The trigger in a record; it unpickles."""
    if not isinstance(found.settings, WatchedSettings):
        raise TypeError(f"trigger {found.trigger_id} is not to be watched")
    trigger: BaseTrigger = pickling.loads(b64decode(found.settings.pickle))
    trigger.trigger_id, trigger.lattice_dispatch_id = found.trigger_id, found.dispatch_id
    return trigger
