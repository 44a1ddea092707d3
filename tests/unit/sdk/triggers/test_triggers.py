"""The classes of triggers, without a server."""

import pickle
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from watchdog.events import FileCreatedEvent, FileMovedEvent

import covalent as ct
from covalent._triggers import registration
from covalent.triggers import (
    BaseTrigger,
    CronTrigger,
    DatabaseTrigger,
    DirTrigger,
    EventTrigger,
    SQLiteTrigger,
    TimeTrigger,
)
from covalent_contracts.errors import LimitExceeded
from covalent_contracts.triggers import (
    BucketSettings,
    CronSettings,
    EventSettings,
    TimeSettings,
    WatchedSettings,
)

PROMISED = ("lattice_dispatch_id", "dispatcher_addr", "triggers_server_addr", "new_dispatch_ids")
PLAIN: Any = BaseTrigger  # abstract to a type checker, yet good for `trigger`
FURTHER = ("observe_blocks", "event_loop", "use_internal_funcs", "stop_flag")


def recorded(trigger: BaseTrigger, monkeypatch: pytest.MonkeyPatch, most: int = 1) -> list[Any]:
    """Have a trigger remember its events, and stop at the last one."""
    events: list[Any] = []

    def fire(event: Any = None) -> None:
        events.append(event)
        if len(events) == most:
            trigger.stop()

    monkeypatch.setattr(trigger, "trigger", fire)
    return events


def test_the_promised_attributes() -> None:
    trigger = PLAIN("id", "here", "there")
    for name in (*PROMISED, *FURTHER):
        assert hasattr(trigger, name), name
    assert (trigger.lattice_dispatch_id, trigger.dispatcher_addr) == ("id", "here")
    assert trigger.triggers_server_addr == "there"
    assert trigger.new_dispatch_ids == []
    for method in ("observe", "stop"):
        with pytest.raises(NotImplementedError):
            getattr(trigger, method)()
    assert ct.triggers.TimeTrigger is TimeTrigger


def test_as_a_dictionary() -> None:
    found = TimeTrigger(5, lattice_dispatch_id="id", overlap="skip").to_dict()
    assert found["name"] == "TimeTrigger"
    assert (found["time_gap"], found["lattice_dispatch_id"]) == (5, "id")
    assert found["overlap"] == "skip"
    assert "stop_flag" not in found


def test_without_a_dispatch_it_cannot_run() -> None:
    for act in (PLAIN().trigger, PLAIN().register, TimeTrigger(2).register):
        with pytest.raises(RuntimeError, match="no dispatch is connected"):
            act()


@pytest.mark.parametrize("gap", [0, -1, 0.5, "2", True, None])
def test_time_gaps_that_cannot_be(gap: Any) -> None:
    with pytest.raises(ValueError, match="time_gap"):
        TimeTrigger(gap)


def test_overlaps_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="allow, skip, queue"):
        TimeTrigger(1, overlap="replace")


def test_settings() -> None:
    assert TimeTrigger(7)._settings() == TimeSettings(time_gap=7)
    cron = CronTrigger("0 9 * * 1-5", "Europe/Berlin")._settings()
    assert cron == CronSettings(expression="0 9 ? * 2,3,4,5,6 *", timezone="Europe/Berlin")
    assert EventTrigger({"source": ["me"]})._settings() == EventSettings(pattern={"source": ["me"]})
    assert DirTrigger("s3://data/in", ["modified", "created"], 3, recursive=True)._settings() == (
        BucketSettings(
            bucket="data", prefix="in/", events=["created"], batch_size=3, recursive=True
        )
    )
    assert DirTrigger("s3://data", "deleted")._settings() == BucketSettings(
        bucket="data", events=["deleted"]
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: CronTrigger("0 0 30 2 *"), "never fires"),
        (lambda: CronTrigger("daily"), "not a cron expression"),
        (lambda: CronTrigger("0 0 * * *", "Mars/Olympus"), "no time zone"),
        (lambda: EventTrigger({}), "every event"),
        (lambda: EventTrigger({"source": "me"}), "list"),
        (lambda: EventTrigger({"source": [object()]}), "JSON"),
        (lambda: DirTrigger("/tmp", ["erased"]), "unknown event names: 'erased'"),
        (lambda: DirTrigger("/tmp", []), "no event names"),
        (lambda: DirTrigger("s3://data/in", ["moved"]), "S3 tells of no 'moved'"),
        (lambda: DirTrigger("s3://", "created"), "names no bucket"),
        (lambda: DirTrigger("/tmp", "created", batch_size=0), "batch_size"),
        (lambda: DatabaseTrigger("sqlite:///x", "a; drop table b"), "name of a table"),
        (lambda: DatabaseTrigger("sqlite:///x", "t", where_clauses="a = 1"), "list of conditions"),
        (lambda: DatabaseTrigger("sqlite:///x", "t", poll_interval=0), "poll_interval"),
        (lambda: DatabaseTrigger("sqlite:///x", "t", trigger_after_n=0), "trigger_after_n"),
    ],
)
def test_what_cannot_be(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_paths_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing to watch"):
        DirTrigger(tmp_path / "nowhere", "created")
    with pytest.raises(FileNotFoundError, match="no database"):
        SQLiteTrigger(tmp_path / "nowhere.db", "t")
    gone = tmp_path / "gone"
    gone.mkdir()
    trigger = DirTrigger(gone, "created")
    gone.rmdir()
    with pytest.raises(FileNotFoundError):
        trigger.observe()


def test_time_is_observed_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = TimeTrigger(1)
    events = recorded(trigger, monkeypatch)
    trigger.observe()
    assert [event["kind"] for event in events] == ["time"]


def test_files_are_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = DirTrigger(tmp_path, ["created", "moved"], batch_size=2)
    has_fired = threading.Event()
    events: list[Any] = []

    def fire(event: Any) -> None:
        events.append(event)
        has_fired.set()

    monkeypatch.setattr(trigger, "trigger", fire)
    trigger.observe()
    assert not trigger.observe_blocks
    (tmp_path / "one").touch()
    (tmp_path / "one").rename(tmp_path / "two")
    assert has_fired.wait(30)
    trigger.stop()
    trigger.stop()
    assert events[0]["event"] == "moved"
    assert events[0]["moved_to"] == str(tmp_path / "two")


def test_batches_of_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = DirTrigger(tmp_path, "created", batch_size=3)
    events: list[Any] = []
    monkeypatch.setattr(trigger, "trigger", events.append)
    for number in range(7):
        trigger._changed(FileCreatedEvent(str(tmp_path / str(number))))
    assert (len(events), trigger.n_changes) == (2, 1)


def test_one_file_is_watched_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.touch()
    trigger = DirTrigger(path, "moved")
    events: list[Any] = []
    monkeypatch.setattr(trigger, "trigger", events.append)
    trigger._changed(FileCreatedEvent(str(tmp_path / "neighbour")))
    trigger._changed(FileMovedEvent(str(tmp_path / "draft"), str(path)))
    assert [event["moved_to"] for event in events] == [str(path)]


def test_what_aws_observes_is_not_observed_here() -> None:
    for trigger in (DirTrigger("s3://data/in", "created"), EventTrigger({"source": ["me"]})):
        with pytest.raises(RuntimeError, match="register"):
            trigger.observe()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with a table."""
    path = tmp_path / "results.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (id int)")
    return path


@pytest.mark.parametrize("kind", [SQLiteTrigger, DatabaseTrigger])
def test_rows_that_appear(
    database: Path, kind: type[DatabaseTrigger], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(database) if kind is SQLiteTrigger else f"sqlite:///{database}"
    trigger = kind(path, "t", poll_interval=0.01, where_clauses=["id > 2", "id < 9"])  # type: ignore[arg-type]
    assert trigger.query == "SELECT * FROM t WHERE (id > 2) AND (id < 9)"
    events = recorded(trigger, monkeypatch, most=2)
    looks: list[int] = []
    look = trigger._rows

    def rows() -> Any:
        looks.append(len(looks))
        with sqlite3.connect(database) as connection:
            connection.execute(
                "insert into t values (?)", ({3: 1, 6: 3, 9: 4}.get(len(looks), 99),)
            )
        return look()

    monkeypatch.setattr(trigger, "_rows", rows)
    trigger.observe()
    assert [event["rows"] for event in events] == [1, 2]
    assert len(looks) == 9


def test_a_driver_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sqlalchemy", None)
    trigger = DatabaseTrigger("postgresql://user@host/name", "t")
    with pytest.raises(ModuleNotFoundError, match="pip install sqlalchemy"):
        trigger._rows()


def test_what_a_watcher_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(registration.HOST, "this machine")
    settings = DirTrigger(tmp_path, "created", lattice_dispatch_id="id")._settings()
    assert isinstance(settings, WatchedSettings)
    assert (settings.name, settings.host) == ("DirTrigger", "this machine")


def test_pickles_leave_out_what_belongs_to_a_process() -> None:
    trigger = TimeTrigger(3)
    again: Any = pickle.loads(pickle.dumps(trigger))
    assert vars(again)["stop_flag"] is None
    again.stop()
    assert again.stop_flag.is_set()
    assert again.time_gap == 3


def test_a_trigger_that_is_too_large() -> None:
    trigger = TimeTrigger(1)
    trigger.__dict__["data"] = bytes(400_000)
    with pytest.raises(LimitExceeded, match="when pickled"):
        registration.watched(trigger)
