"""Measure ours side by side with Covalent 0.240 on this machine; print it and put it into benchmarks/RESULTS.md.

    python -m benchmarks.versus [--repeat 3] [--limit 600] [--cache FOLDER]

Each is installed into an environment of its own and started with its own `covalent start`, with a home of its own and
on loopback only. The same client (`benchmarks/versus_client.py`) runs the same electrons on both, in turn.
"""

import os
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType

from rich.console import Console

from benchmarks import versus_install
from benchmarks.page import RESULTS, Section, put
from benchmarks.versus_figures import Measure, Readings, Side, table_of
from benchmarks.versus_install import CACHE, CannotInstall, Environment
from benchmarks.versus_server import Failed, Server, Unfinished

TITLE = "Side by side with Covalent 0.240"
IDLE_SECONDS = 5.0
BUILD_TARGET, DISPATCH_TARGET, ELECTRON_TARGET = 1 / 3, 1 / 5, 1 / 20
LARGE = 1_000
"""From so many electrons on, Covalent runs once only: it takes minutes."""
LIMIT = 600.0


@dataclass(frozen=True)
class Case:
    """A workflow to run."""

    shape: str
    n: int

    @property
    def name(self) -> str:
        """As the table shows it."""
        return "one electron" if self.n == 1 else f"{self.shape} of {self.n:,}"

    def accepted(self) -> Measure:
        """Until the dispatch was accepted."""
        target = DISPATCH_TARGET if self.n >= LARGE else None
        return Measure(f"{self.name}: dispatch accepted", "s", target)

    def wall(self) -> Measure:
        """From the dispatch to the value."""
        return Measure(f"{self.name}: value in hand", "s")

    def per_electron(self) -> Measure:
        """The same for one electron."""
        return Measure(f"{self.name}: value in hand, per electron", "ms", ELECTRON_TARGET)

    def server(self) -> Measure:
        """What the record says, from start to end."""
        return Measure(f"{self.name}: start to end in the record", "s")

    def cpu(self) -> Measure:
        """What the server used of the CPU meanwhile."""
        return Measure(f"{self.name}: server CPU per electron", "ms")


BUILDS = (1_000, 5_000)
CASES = (
    Case("chain", 1),
    *(Case("chain", n) for n in (10, 100)),
    *(Case("fan-out", n) for n in (10, 100, LARGE)),
)


class Comparison:
    """Both servers, and what was measured so far."""

    def __init__(self, servers: Mapping[Side, Server], repeat: int, limit: float) -> None:
        self.readings = Readings()
        self.troubles: list[str] = []
        self._servers = servers
        self._repeat = repeat
        self._limit = limit

    def measure(self) -> None:
        """Everything that needs running servers; they still run afterwards."""
        _say("start and idle memory")
        self.measure_starts()
        for n in BUILDS:
            _say(f"build_graph, {n:,} electrons")
            for side in self._turns():
                self.measure_build(side, n)
        for case in CASES:
            self.measure_case(case)

    def measure_starts(self) -> None:
        """Start time and idle memory, each alone on the machine; at the end both run."""
        for side in self._turns():
            server = self._servers[side]
            server.end()
            self.readings.add(Measure("start until the first answer", "s"), side, server.start())
            time.sleep(IDLE_SECONDS)
            self.readings.add(Measure("idle memory", "MB"), side, server.memory() / 1e6)
            server.end()
        for server in self._servers.values():
            server.start()

    def measure_build(self, side: Side, n: int) -> None:
        """Trace a graph, the second of a process."""
        with self._servers[side].client() as client:
            client.ask(self._limit, do="build", shape="fan-out", n=10)
            answer = client.ask(self._limit, do="build", shape="fan-out", n=n)
        measure = Measure(f"build_graph, {n:,} electrons", "s", BUILD_TARGET)
        self.readings.add(measure, side, answer["seconds"])

    def measure_case(self, case: Case) -> None:
        """Run a workflow, in turn; a side that did not finish once is not asked again."""
        given_up: set[Side] = set()
        for turn, side in enumerate(self._turns()):
            once = side is Side.THEIRS and case.n >= LARGE
            if side in given_up or (once and turn >= len(Side)):
                continue
            try:
                self._run(case, side)
            except (Failed, Unfinished) as exc:
                self.troubles.append(f"{case.name}, {side}: {exc}.")
                given_up.add(side)
                self._servers[side].end()
                self._servers[side].start()

    def _turns(self) -> Iterator[Side]:
        for _ in range(self._repeat):
            yield from Side

    def _run(self, case: Case, side: Side) -> None:
        """Run it once, in a process that has run an electron before."""
        server = self._servers[side]
        with server.client() as client:
            client.ask(self._limit, do="dispatch", shape="chain", n=1)
            client.ask(self._limit, do="wait")
            began, cpu = time.perf_counter(), server.cpu()
            try:
                accepted = client.ask(self._limit, do="dispatch", shape=case.shape, n=case.n)
                self.readings.add(case.accepted(), side, accepted["seconds"])
                left = self._limit - (time.perf_counter() - began)
                answer = client.ask(left, do="wait")
            except Unfinished:
                seconds = time.perf_counter() - began
                self._note(case, side, seconds, server.cpu() - cpu, unfinished=True)
                raise Unfinished(f"did not finish in {self._limit:g} s") from None
            self._note(case, side, answer["seconds"], server.cpu() - cpu)
            self.readings.add(case.server(), side, answer["server"])

    def _note(
        self, case: Case, side: Side, wall: float, cpu: float, *, unfinished: bool = False
    ) -> None:
        _say(f"{case.name}, {side}: {'more than ' if unfinished else ''}{wall:.3g} s")
        add = partial(self.readings.add, side=side, unfinished=unfinished)
        add(case.wall(), value=wall)
        if case.n >= LARGE:
            add(case.per_electron(), value=1000 * wall / case.n)
        add(case.cpu(), value=1000 * cpu / case.n)


def compared(repeat: int, limit: float = LIMIT, cache: Path = CACHE) -> Section:
    """Measure; if that cannot be done here, the section says why in a line."""
    try:
        return _compared(repeat, limit, cache)
    except (CannotInstall, Failed, Unfinished) as exc:
        return Section(TITLE, None, (f"Not measured: {exc}.",))


def _compared(repeat: int, limit: float, cache: Path) -> Section:
    with (
        _ended_by_sigterm(),
        tempfile.TemporaryDirectory(prefix="versus-", ignore_cleanup_errors=True) as folder,
        ExitStack() as opened,
    ):
        _say("installing")
        environments = {
            Side.THEIRS: versus_install.peer(cache),
            Side.OURS: versus_install.ours(Path(folder)),
        }
        servers = {side: Server(environments[side], Path(folder, side)) for side in Side}
        for server in servers.values():
            opened.callback(server.end)
        comparison = Comparison(servers, repeat, limit)
        _note_sizes(comparison.readings, environments)
        comparison.measure()
        table = table_of(list(comparison.readings.figures()))
        return Section(TITLE, table, (*comparison.troubles, *notes()))


def _note_sizes(readings: Readings, environments: Mapping[Side, Environment]) -> None:
    for side, environment in environments.items():
        readings.add(Measure("installed size", "MB"), side, environment.size / 1e6)
        count = environment.distributions
        readings.add(Measure("installed distributions", ""), side, count)


def notes() -> Iterator[str]:
    """What the figures rest on."""
    python = ".".join(map(str, versus_install.PYTHON))
    pins = " ".join(versus_install.pins())
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {python} on both sides; {pins} "
        "(`requirements-versus.lock`) beside our wheel with `[local]`, both started with `covalent start` as it is."
    )
    yield (
        "Medians; ours and theirs run in turn, each run in a fresh client that has run one electron before. `runs`: of "
        f"ours and theirs; Covalent runs {LARGE:,} electrons only once. `>`, `<`: a run was given up, this is a bound."
    )
    yield (
        "A fan-out of n is n electrons that return their argument and one that collects them. Server CPU is user and "
        "system time of all processes of the server, workers included, per electron of the n. Idle memory is their PSS "
        f"{IDLE_SECONDS:g} s after the start (RSS where there is no PSS). Size is that of site-packages, in venvs made "
        "without pip."
    )


def _say(what: str) -> None:
    Console(stderr=True).print(f"versus: {what}", style="dim", highlight=False)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM end this process as an exception does, so that the servers are stopped."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main() -> None:
    """Measure, print, and replace the section."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one workflow")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where Covalent is kept")
    options = parser.parse_args()
    section = compared(options.repeat, options.limit, options.cache)
    section.show(Console())
    if section.table is None:
        sys.exit(1)
    RESULTS.write_text(put(section, RESULTS.read_text()))


if __name__ == "__main__":
    main()
