"""What `covalent deploy` shows of a deployment."""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, assert_never

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from covalent._deploy.estimate import Electrons, Item
from covalent._deploy.events import (
    CHANGES,
    CREATE,
    DELETE,
    REPLACE,
    UPDATE,
    Change,
    Diagnostic,
    Done,
    Drift,
    Event,
    Failed,
    Finished,
    Log,
    Note,
    Planned,
    Started,
    Step,
    Working,
)
from covalent._deploy.status import Status
from covalent._version import __version__

_DONE = {CREATE: "made", UPDATE: "changed", DELETE: "destroyed", REPLACE: "replaced"}
_STYLES = {CREATE: "green", UPDATE: "yellow", DELETE: "red", REPLACE: "magenta"}

_OURS = ("Incomplete lock file", "Attribute Deprecated", "Argument is deprecated", "Deprecated ")
"""How warnings begin that are about our modules."""


class View:
    """Shows events as they come: a bar on a terminal, a line for each resource elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._progress = Progress(
            TextColumn("  "),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=self.console,
            transient=True,
        )
        self._bar = self._progress.add_task("", total=0)
        self._total = 0
        self._ended = 0
        self._busy: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stop()

    def follow(self, events: Iterable[Event]) -> Event | None:
        """Show all events; return the last."""
        last: Event | None = None
        for last in events:
            self.show(last)
        return last

    def show(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Step(text):
                self._say(Text.assemble(("* ", "bold cyan"), text))
            case Done(text, _):
                self._say(Text(text, style="bold"))
            case Note(text):
                self.console.print(Text(f"  {text}", style="dim"))
            case Planned():
                # To replace something is to destroy one and make another.
                self._total = len(event.changes) + event.count(REPLACE)
            case Started() | Working() | Finished() | Failed():
                self._show_resource(event)
            case Diagnostic():
                self._complain(event)
            case Change() | Drift() | Log():
                pass
            case _:
                assert_never(event)

    def _show_resource(self, event: Started | Working | Finished | Failed) -> None:
        match event:
            case Started(address, _):
                self._start(address)
            case Working(address, _, seconds):
                self._busy[address] = seconds
            case Finished(address, action, seconds):
                self._end(address, f"{_DONE.get(action, action)} in {seconds:.0f} s")
            case Failed(address, _, _):
                self._end(address, "failed", style="red")
            case _:
                assert_never(event)
        self._describe()

    def _say(self, text: Text) -> None:
        """A new part of the work: the bar of the last one goes."""
        self._stop()
        self._ended = 0
        self.console.print(text)

    def _stop(self) -> None:
        """The bar goes. One that never came would leave an empty line."""
        if self._progress.live.is_started:
            self._progress.stop()

    def _start(self, address: str) -> None:
        if not self._busy and not self._ended and self.console.is_terminal:
            self._progress.start()
        self._busy[address] = 0

    def _end(self, address: str, what: str, style: str = "") -> None:
        """On a terminal the bar shows what is done."""
        self._busy.pop(address, None)
        self._ended += 1
        if style or not self.console.is_terminal:
            line = f"  [{self._ended}/{self._total}] {short(address)} {what}"
            self.console.print(Text(line, style=style))

    def _describe(self) -> None:
        longest = sorted(self._busy, key=lambda address: -self._busy[address])
        names = ", ".join(short(address) for address in longest[:2])
        more = f" and {len(longest) - 2} more" if len(longest) > 2 else ""
        self._progress.update(
            self._bar, completed=self._ended, total=self._total, description=names + more
        )

    def _complain(self, diagnostic: Diagnostic) -> None:
        """Errors are raised in the end. Of warnings, those are shown that a user can do something about."""
        if not diagnostic.is_error and not diagnostic.summary.startswith(_OURS):
            self.console.print(Text(f"  {diagnostic.summary}", style="yellow"))


def short(address: str) -> str:
    """A resource's address without what they all have in it."""
    return address.replace("module.covalent.", "").replace("module.", "")


def plan_table(planned: Planned) -> Table:
    """What a plan would do, resources of one kind together."""
    table = Table("", "Kind", Column("Resources", overflow="fold"), box=None, padding=(0, 2, 0, 0))
    for action in CHANGES:
        changes = [change for change in planned.changes if change.action == action]
        for kind in sorted({change.kind for change in changes}):
            names = sorted(short(change.address) for change in changes if change.kind == kind)
            table.add_row(
                Text(action, style=_STYLES[action]), _plain(kind), Text(_names(names, kind))
            )
    return table


def plan_line(planned: Planned) -> str:
    """A plan in a sentence."""
    if planned.is_empty:
        return "Nothing would change."
    parts = [
        f"{planned.count(action)} to {word}"
        for action, word in (
            (CREATE, "make"),
            (UPDATE, "change"),
            (REPLACE, "replace"),
            (DELETE, "destroy"),
        )
        if planned.count(action)
    ]
    return f"{', '.join(parts)}."


def drift_table(drift: Sequence[Change]) -> Table:
    """What is other in AWS than it was left."""
    table = Table("Changed outside of Terraform", "", box=None, padding=(0, 2, 0, 0))
    for change in drift:
        table.add_row(Text(short(change.address)), "gone" if change.action == DELETE else "changed")
    return table


def status_table(status: Status) -> Table:
    """How a deployment is."""
    table = Table("Deployment", Column(Text(status.settings.prefix), overflow="fold"))
    for name, value in _status_rows(status):
        table.add_row(name, Text(value))
    return table


def _status_rows(status: Status) -> Iterable[tuple[str, str]]:
    made, health = status.outputs, status.health
    yield "Profile", status.settings.name
    if made is not None:
        yield "Region", made.region
        yield "Endpoint", made.endpoint
        yield "Version", _versions(made.version)
    yield "Health", f"answers, version {health.version}" if health else status.complaint
    if made is not None:
        yield "Runners", _runners(made.runners, health.pythons if health else None)
    yield "Architecture", status.settings.architecture
    yield "Resources", str(len(status.resources))
    yield "Applied", _when(status.applied)
    yield "State", status.settings.state or str(status.folder)
    if made is not None and made.dashboard_url:
        yield "Dashboard", made.dashboard_url


def _versions(deployed: str) -> str:
    if deployed == __version__:
        return f"{deployed}, the same as here"
    return f"{deployed}; here it is {__version__}: `covalent deploy up` brings both together"


def _runners(deployed: Iterable[str], served: Sequence[str] | None) -> str:
    there = sorted(deployed, key=_minor)
    text = ", ".join(f"Python {python}" for python in there) or "none"
    if served is not None and set(served) != set(there):
        text += f" (the API knows {', '.join(sorted(served, key=_minor))})"
    return text


def _minor(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))


def _when(applied: float | None) -> str:
    if applied is None:
        return "from another machine, or not completely"
    days = (time.time() - applied) / 86400
    text = datetime.fromtimestamp(applied, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{text}, {days:.0f} days ago" if days >= 1 else text


def idle_table(items: Sequence[Item]) -> Table:
    """What a deployment costs in a month in which nothing runs."""
    table = Table(
        Column("A month in which nothing runs", overflow="fold"),
        Column("$ each", justify="right"),
        Column("$", justify="right"),
        Column("Paid by use, $", overflow="fold"),
        Column("Price", overflow="fold"),
        show_footer=False,
    )
    for item in items:
        price = item.price
        each = f"{price.each:.2f}" if price.each else "0"
        name = f"{item.count} x {price.what}"
        table.add_row(name, each, f"{item.total:.2f}", price.more, price.source)
    table.add_section()
    table.add_row("All", "", f"{sum(item.total for item in items):.2f}", "", "")
    return table


def electrons_table(electrons: Electrons) -> Table:
    """What electrons cost."""
    title = f"{electrons.count:,} electrons in {electrons.dispatches:,} dispatches"
    table = Table(title, Column("$", justify="right"))
    for name, dollars in electrons.by_service.items():
        table.add_row(name, f"{dollars:.2f}")
    table.add_section()
    table.add_row("All", f"{electrons.total:.2f}")
    return table


def _plain(kind: str) -> Text:
    return Text(kind.removeprefix("aws_").replace("_", " "))


def _names(addresses: Sequence[str], kind: str) -> str:
    """Addresses without the type, which is in the column before."""
    return ", ".join(address.replace(f"{kind}.", "") for address in addresses)
