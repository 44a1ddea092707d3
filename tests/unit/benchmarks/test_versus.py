import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from benchmarks import versus, versus_install
from benchmarks.versus import Case, Comparison, compared
from benchmarks.versus_figures import Side
from benchmarks.versus_install import CannotInstall
from benchmarks.versus_server import Failed, Server, Unfinished


class Double:
    """A server of which each request takes a second; it writes down what it was asked."""

    def __init__(self, side: Side, log: list[str], trouble: Exception | None = None) -> None:
        self.side = side
        self.log = log
        self.trouble = trouble
        self.used = 0.0
        self.size = 0

    def start(self) -> float:
        self.log.append(f"start {self.side}")
        return 2.0

    def end(self) -> None:
        self.log.append(f"end {self.side}")

    def cpu(self) -> float:
        self.used += 0.5
        return self.used

    @contextmanager
    def client(self) -> Iterator["Double"]:
        yield self

    def ask(self, seconds: float, **request: Any) -> dict[str, float]:
        assert seconds > 0
        self.size = request.get("n", self.size)
        if self.size > 1 and request["do"] == "wait":
            self.log.append(f"{self.side} {self.size}")
            if self.trouble:
                raise self.trouble
        return {"seconds": 1.0, "server": 0.75}


def comparison(
    log: list[str], ours: Exception | None = None, theirs: Exception | None = None
) -> Comparison:
    doubles = {
        Side.OURS: Double(Side.OURS, log, ours),
        Side.THEIRS: Double(Side.THEIRS, log, theirs),
    }
    return Comparison(cast("dict[Side, Server]", doubles), repeat=3, limit=60)


def test_the_sides_take_turns() -> None:
    log: list[str] = []
    comparison(log).measure_case(Case("chain", 10))
    assert log == ["ours 10", "theirs 10"] * 3


def test_covalent_runs_the_largest_once() -> None:
    log: list[str] = []
    comparison(log).measure_case(Case("fan-out", 1000))
    assert log == ["ours 1000", "theirs 1000", "ours 1000", "ours 1000"]


def test_figures_of_a_case() -> None:
    running = comparison([])
    running.measure_case(Case("fan-out", 1000))
    found = {each.measure.what.partition(": ")[2]: each.ours for each in running.readings.figures()}
    assert {what: sample.median for what, sample in found.items()} == {
        "dispatch accepted": 1.0,
        "value in hand": 1.0,
        "value in hand, per electron": 1.0,
        "start to end in the record": 0.75,
        "server CPU per electron": 0.5,
    }


def test_who_does_not_finish_is_not_asked_again_and_starts_anew() -> None:
    log: list[str] = []
    running = comparison(log, theirs=Unfinished("did not finish in 60 s"))
    running.measure_case(Case("chain", 10))
    assert log == ["ours 10", "theirs 10", "end theirs", "start theirs", "ours 10", "ours 10"]
    assert running.troubles == ["chain of 10, theirs: did not finish in 60 s."]
    figures = {each.measure.what: each for each in running.readings.figures()}
    assert figures["chain of 10: value in hand"].theirs.unfinished
    assert figures["chain of 10: value in hand"].bound == "< "
    assert not figures["chain of 10: dispatch accepted"].theirs.unfinished
    assert not figures["chain of 10: start to end in the record"].theirs.values


def test_a_failure_is_told_and_makes_no_figure() -> None:
    running = comparison([], ours=Failed("the client ended"))
    running.measure_case(Case("chain", 10))
    assert running.troubles == ["chain of 10, ours: the client ended."]
    figures = {each.measure.what: each for each in running.readings.figures()}
    assert not figures["chain of 10: value in hand"].ours.values
    assert len(figures["chain of 10: value in hand"].theirs.values) == 3


def test_what_cannot_be_installed_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(_cache: Path) -> None:
        raise CannotInstall("could not install it: no network")

    monkeypatch.setattr(versus_install, "peer", refuse)
    section = compared(1, cache=tmp_path)
    assert section.table is None
    assert section.notes == ("Not measured: could not install it: no network.",)


def test_alone_it_leaves_the_page_as_it_is_when_there_is_nothing_to_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text("# Results\n")
    monkeypatch.setattr(versus, "RESULTS", page)
    monkeypatch.setattr("sys.argv", ["versus", "--cache", str(tmp_path)])
    monkeypatch.setattr(versus_install, "PEER_LOCK", tmp_path / "RESULTS.md")
    monkeypatch.setattr(versus_install, "PYTHON", (2, 7))
    with pytest.raises(SystemExit) as raised:
        versus.main()
    assert raised.value.code == 1
    assert page.read_text() == "# Results\n"


def test_sigterm_ends_it_like_an_exception() -> None:
    with pytest.raises(SystemExit) as raised, versus._ended_by_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
