"""What Step Functions is told of an electron whose token it waits for."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.envelope import Run
from covalent_runner import callback, supervisor
from covalent_runner.callback import LOST, OUT_OF_TIME, answer, failure_of, pause_of
from covalent_runner.exits import COMMITTED, FAILED, NOT_STARTED, VARIABLE
from covalent_runner.supervisor import LIMIT

from .conftest import Program

TOKEN = "the-token"
EVENT = Run("6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11", 3, 1)


class Store:
    """A state that waits as long as `patience` heartbeats, and hears the answer."""

    def __init__(self, patience: int = 10_000) -> None:
        self.patience = patience
        self.beats = 0
        self.answers: list[tuple[str, ...]] = []
        self.is_busy = False
        self.cancelled = False

    def beat(self, token: str) -> bool:
        assert token == TOKEN
        self.beats += 1
        if self.is_busy:
            raise ConnectionError("try later")
        return self.beats <= self.patience

    def release(self, token: str) -> None:
        self.answers.append((token, "released"))

    def refuse(self, token: str, error: str, cause: str) -> None:
        self.answers.append((token, error, cause))

    def is_cancelled(self, dispatch_id: str, node: int) -> bool:
        assert (dispatch_id, node) == (EVENT.dispatch_id, EVENT.node)
        return self.cancelled


@pytest.fixture(autouse=True)
def _terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"{EVENT.dispatch_id} {EVENT.node} {EVENT.attempt} {TOKEN}")
    monkeypatch.setenv(callback.HEARTBEAT, "0.25")
    monkeypatch.delenv(LIMIT, raising=False)


def answered(store: Any) -> int:
    return answer(store, EVENT, TOKEN)


def test_a_committed_electron_releases_the_state(program: Program, tmp_path: Path) -> None:
    program(f"open({str(tmp_path / 'words')!r}, 'w').write(os.environ['COVALENT_ELECTRON'])")
    store = Store()
    assert answered(store) == COMMITTED
    assert store.answers == [(TOKEN, "released")]
    assert (tmp_path / "words").read_text() == f"{EVENT.dispatch_id} 3 1", "and no token"


@pytest.mark.parametrize(
    ("body", "code", "error", "told"),
    [
        ("sys.exit('electron 3 failed with ValueError') or 1", FAILED, LOST, "exit status 1: elec"),
        ("print('boom', file=sys.stderr); os._exit(3)", FAILED, "ElectronFailed", "boom"),
        ("os._exit(4)", NOT_STARTED, "UpstreamFailed", "did not run"),
        ("os._exit(130)", NOT_STARTED, "UpstreamFailed", "cancelled"),
        ("os._exit(7)", FAILED, LOST, "exit status 7"),
        ("os.kill(os.getpid(), signal.SIGKILL)", FAILED, LOST, "SIGKILL, most often because"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", FAILED, LOST, "SIGSEGV"),
    ],
)
def test_how_an_electron_ends(
    program: Program, body: str, code: int, error: str, told: str
) -> None:
    program(body)
    store = Store()
    assert answered(store) == code
    ((token, said, cause),) = store.answers
    assert (token, said) == (TOKEN, error)
    assert told in cause


def test_nobody_waits_any_more_before_it_starts(program: Program, tmp_path: Path) -> None:
    program(f"open({str(tmp_path / 'started')!r}, 'w')")
    store = Store(patience=0)
    assert answered(store) == NOT_STARTED
    assert store.answers == []
    assert not (tmp_path / "started").exists()


def test_an_electron_ends_when_nobody_waits_for_it(program: Program, tmp_path: Path) -> None:
    program(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    store = Store(patience=40)
    assert answered(store) == NOT_STARTED
    assert store.beats == 41
    assert _has_ended(tmp_path / "pid")


def test_its_time_is_up(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, "0.5")
    program("time.sleep(600)")
    store = Store()
    assert answered(store) == FAILED
    cause = "electron 3 did not end within its time limit of 0.5 s"
    assert store.answers == [(TOKEN, OUT_OF_TIME, cause)]


def test_heartbeats_that_do_not_arrive_do_no_harm(program: Program) -> None:
    program("time.sleep(0.5)")
    store = Store()
    store.is_busy = True
    assert answered(store) == COMMITTED
    assert store.beats > 1


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_machine_that_is_shut_down_says_so(
    program: Program, tmp_path: Path, cancelled: bool
) -> None:
    program(f"os.mkfifo({str(tmp_path / 'ready')!r}); time.sleep(600)")
    store = Store()
    store.cancelled = cancelled

    def ask_to_end() -> None:
        while not (tmp_path / "ready").exists():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask_to_end).start()
    answered(store)
    ((_, error, cause),) = store.answers
    assert error == ("UpstreamFailed" if cancelled else LOST)
    assert ("cancelled" if cancelled else "spot instance") in cause


@given(st.integers(0, 10**8))
def test_several_heartbeats_come_before_silence_means_loss(heartbeat: int) -> None:
    pause = pause_of(heartbeat)
    assert 0 < pause <= supervisor.PAUSE
    assert heartbeat == 0 or 3 * pause < heartbeat


@given(st.integers(-15, 255), st.text(max_size=20))
def test_every_status_but_one_is_a_failure_with_a_cause(code: int, told: str) -> None:
    failure = failure_of(3, code, told)
    assert (failure is None) == (code == COMMITTED)
    assert failure is None or (failure.error and failure.cause)


def _has_ended(file: Path) -> bool:
    """Whether the process whose id is in the file has ended, if it has got that far."""
    if not file.exists():
        return True
    pid = int(file.read_text())
    state = Path(f"/proc/{pid}/stat")
    return sys.platform != "linux" or not state.exists() or ") Z" in state.read_text()
