"""What watches on this machine."""

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from covalent._triggers import watcher
from covalent._triggers.watcher import Watcher
from covalent.triggers import BaseTrigger
from covalent_contracts import pickling
from covalent_contracts.errors import Unavailable
from covalent_contracts.ids import new_dispatch_id
from covalent_contracts.triggers import Overlap, State, Trigger, Triggers, WatchedSettings

PATIENCE = 30
_begun: dict[str, threading.Event] = {}
_ended: dict[str, threading.Event] = {}
_faults: list[str] = []


class Noting(BaseTrigger):
    """Notes when it begins and ends to observe."""

    def __init__(self, name: str, faults: int = 0) -> None:
        super().__init__()
        self.name, self.faults = name, faults

    def observe(self) -> None:
        if self.faults:
            self.faults -= 1
            _faults.append(self.name)
            raise RuntimeError("not yet")
        self.stop_flag = threading.Event()
        _begun[self.name].set()
        self.stop_flag.wait()
        _ended[self.name].set()

    def stop(self) -> None:
        assert self.stop_flag is not None
        self.stop_flag.set()


class FakeClient:
    """A control plane with triggers."""

    def __init__(self) -> None:
        self.found: dict[str, Trigger] = {}
        self.is_away = False

    def add(self, trigger: object, host: str = "here", state: State = State.ACTIVE) -> str:
        data = base64.b64encode(pickling.dumps(trigger)).decode()
        settings = WatchedSettings(name="Noting", host=host, pickle=data)
        trigger_id = new_dispatch_id()
        self.found[trigger_id] = Trigger(
            trigger_id=trigger_id,
            dispatch_id=new_dispatch_id(),
            overlap=Overlap.ALLOW,
            settings=settings,
            state=state,
            created=1,
        )
        return trigger_id

    def triggers(self, dispatch_id: str | None, cursor: str | None) -> Triggers:
        if self.is_away:
            raise Unavailable("away")
        listed = list(self.found.values())
        at = int(cursor or 0)
        return Triggers(
            triggers=listed[at : at + 1], cursor=str(at + 1) if listed[at + 1 :] else None
        )

    def trigger(self, trigger_id: str) -> Trigger:
        return self.found[trigger_id]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    """A control plane; what fails to observe is tried again at once."""
    monkeypatch.setattr(watcher, "PAUSE_SECONDS", 0.01)
    return FakeClient()


@pytest.fixture
def watching(client: FakeClient) -> Iterator[Watcher]:
    """A watcher of this machine."""
    made: Any = Watcher(client, "here")  # type: ignore[arg-type]  # a double
    yield made
    made.stop()


def name(suffix: str) -> str:
    _begun[suffix], _ended[suffix] = threading.Event(), threading.Event()
    return suffix


def test_begins_and_ends_with_the_trigger(client: FakeClient, watching: Watcher) -> None:
    one = client.add(Noting(name("one")))
    watching.look()
    assert _begun["one"].wait(PATIENCE)
    client.add(Noting(name("two")))
    watching.look()
    assert _begun["two"].wait(PATIENCE)
    client.found[one] = client.found[one].model_copy(update={"state": State.STOPPED})
    watching.look()
    assert _ended["one"].wait(PATIENCE)
    assert not _ended["two"].is_set()
    watching.stop()
    assert _ended["two"].wait(PATIENCE)


def test_a_control_plane_that_is_away_changes_nothing(
    client: FakeClient, watching: Watcher
) -> None:
    client.add(Noting(name("kept")))
    watching.look()
    assert _begun["kept"].wait(PATIENCE)
    client.is_away = True
    watching.look()
    assert not _ended["kept"].is_set()


def test_only_those_of_this_machine(client: FakeClient, watching: Watcher, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "opened",)

    client.add(Trap(), host="elsewhere")
    client.add(Trap(), state=State.STOPPED)
    watching.look()
    assert not (tmp_path / "opened").exists()


def test_one_that_cannot_be_opened_does_not_stop_the_others(
    client: FakeClient, watching: Watcher
) -> None:
    broken = client.add(Noting("never"))
    settings = client.found[broken].settings.model_copy(update={"pickle": "AAAA"})
    client.found[broken] = client.found[broken].model_copy(update={"settings": settings})
    client.add(Noting(name("fine")))
    watching.look()
    assert _begun["fine"].wait(PATIENCE)


def test_one_that_fails_is_tried_again(client: FakeClient, watching: Watcher) -> None:
    client.add(Noting(name("patient"), faults=2))
    watching.look()
    assert _begun["patient"].wait(PATIENCE)
    assert _faults == ["patient", "patient"]
