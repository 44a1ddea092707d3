"""Who stands beside an electron: what it tells Step Functions, and what it leaves behind."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.envelope import TIME_LIMIT, Run
from covalent_runner import attendance
from covalent_runner.attendance import LOST, OUT_OF_TIME, Terms, attend, failure_of
from covalent_runner.exits import COMMITTED, FAILED, NOT_STARTED

TOKEN = "the token"
EVENT = Run("6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11", 3, 1)
BRISK = Terms(heartbeat=0.25)


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


Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Makes `python -m covalent_runner` do something else in the child."""

    def write(text: str) -> None:
        package = tmp_path / "covalent_runner"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(f"import os, signal, sys, time\n{text}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")

    return write


def attended(store: Any, terms: Terms = BRISK) -> int:
    return attend(store, EVENT, TOKEN, terms)


def test_a_committed_electron_releases_the_state(program: Program, tmp_path: Path) -> None:
    program(f"open({str(tmp_path / 'words')!r}, 'w').write(os.environ['COVALENT_ELECTRON'])")
    store = Store()
    assert attended(store) == COMMITTED
    assert store.answers == [(TOKEN, "released")]
    assert (tmp_path / "words").read_text() == f"{EVENT.dispatch_id} 3 1", "and no token"


def test_the_child_holds_itself_to_no_terms(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TIME_LIMIT, "7")
    monkeypatch.setenv(attendance.HEARTBEAT, "7")
    program("sys.exit(len([each for each in os.environ if each.endswith(('LIMIT', 'SECONDS'))]))")
    assert attended(Store()) == COMMITTED


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
    assert attended(store) == code
    ((token, said, cause),) = store.answers
    assert (token, said) == (TOKEN, error)
    assert told in cause


def test_nobody_waits_any_more_before_it_starts(program: Program, tmp_path: Path) -> None:
    program(f"open({str(tmp_path / 'started')!r}, 'w')")
    store = Store(patience=0)
    assert attended(store) == NOT_STARTED
    assert store.answers == []
    assert not (tmp_path / "started").exists()


def test_an_electron_ends_when_nobody_waits_for_it(program: Program, tmp_path: Path) -> None:
    program(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    store = Store(patience=40)
    assert attended(store) == NOT_STARTED
    assert store.beats == 41
    assert _has_ended(tmp_path / "pid")


def test_the_time_limit_ends_it_with_all_it_has_started(program: Program, tmp_path: Path) -> None:
    program(
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    store = Store()
    assert attended(store, Terms(time_limit=2)) == FAILED
    assert store.answers == [
        (TOKEN, OUT_OF_TIME, "electron 3 did not end within its time limit of 2 s")
    ]
    assert _has_ended(tmp_path / "pid")


def test_heartbeats_that_do_not_arrive_do_no_harm(program: Program) -> None:
    program("time.sleep(0.5)")
    store = Store()
    store.is_busy = True
    assert attended(store) == COMMITTED
    assert store.beats > 1


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_machine_that_is_shut_down_says_so(
    program: Program, tmp_path: Path, cancelled: bool
) -> None:
    program(f"os.mkfifo({str(tmp_path / 'ready')!r}); time.sleep(600)")
    store = Store()
    store.cancelled = cancelled
    before = signal.getsignal(signal.SIGTERM)

    def ask_to_end() -> None:
        while not (tmp_path / "ready").exists():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask_to_end).start()
    attended(store)
    ((_, error, cause),) = store.answers
    assert error == ("UpstreamFailed" if cancelled else LOST)
    assert ("cancelled" if cancelled else "spot instance") in cause
    assert signal.getsignal(signal.SIGTERM) is before


@given(st.integers(0, 10**8), st.floats(0, 1e6))
def test_several_heartbeats_come_before_silence_means_loss(heartbeat: int, limit: float) -> None:
    terms = Terms(heartbeat, limit)
    assert 0 < terms.pause <= attendance.PAUSE
    assert heartbeat == 0 or 3 * terms.pause < heartbeat


def test_what_was_agreed_is_in_the_environment() -> None:
    assert Terms.read({}) == Terms(0, 0)
    read = Terms.read({"COVALENT_HEARTBEAT_SECONDS": "300", "COVALENT_TIME_LIMIT": "7.5"})
    assert read == Terms(300, 7.5)


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
