"""What `covalent compile --explain` shows of a compiled lattice."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, assert_never

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from covalent_step_functions.check import uses_of
from covalent_step_functions.plan import Array, Each, Gate, Items, Nested, Parallel, Task
from covalent_step_functions.quotas import DEFINITION, EVENTS

if TYPE_CHECKING:
    from covalent_contracts.manifest import Manifest
    from covalent_step_functions.compiler import Compiled
    from covalent_step_functions.cost import Cost
    from covalent_step_functions.quotas import Use

_LISTED = 5
"""Ids that one line lists."""
_WIDTH = 120
"""Columns that the tables need; a narrower terminal breaks the lines."""


def show(manifest: "Manifest", compiled: "Compiled") -> None:
    """Print the plan as a tree, what a run takes, and the limits."""
    console = Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, _WIDTH)
    names = {node.id: node.name for node in manifest.nodes}
    tree = Tree(Text(f"{manifest.lattice.name}: state machine {compiled.name}"))
    _Plan(names).grow(tree, compiled.plan.items)
    console.print(tree)
    console.print(_figures(compiled))
    console.print(_limits(manifest, compiled))


class _Plan:
    def __init__(self, names: dict[int, str]) -> None:
        self._names = names

    def grow(self, tree: Tree, items: Items) -> None:
        """Add a sequence to a tree."""
        for item in items or ("nothing to run",):
            match item:
                case Task(node):
                    tree.add(Text(self._named([node])))
                case Gate(_, needs):
                    tree.add(Text(f"gate: waits for {self._named(needs)}", style="yellow"))
                case Parallel(branches):
                    self._fork(tree.add(Text(f"parallel: {len(branches)} branches")), branches)
                case Nested(inner):
                    label = f"nested execution: {len(item.nodes):,} electrons"
                    self.grow(tree.add(Text(label, style="cyan")), inner)
                case Each(rows, batch):
                    self._map(tree, rows, batch)
                case Array(nodes):
                    tree.add(Text(f"array of jobs: {self._named(nodes)}", style="cyan"))
                case str():
                    tree.add(item)
                case _:
                    assert_never(item)

    def _fork(self, tree: Tree, branches: Iterable[Items]) -> None:
        """Add branches; neighbours that are one electron of the same name each share a line."""
        for alone, group in groupby(branches, self._lone):
            if alone is not None:
                tree.add(Text(self._named(list(_nodes(group)))))
                continue
            for branch in group:
                self.grow(tree.add(Text("sequence", style="dim")), branch)

    def _map(self, tree: Tree, rows: Sequence[Sequence[int]], batch: int) -> None:
        kind = f"distributed map: {len(rows):,} rows, {batch} in a batch" if batch else "map"
        inside = tree.add(Text(kind, style="cyan"))
        for column in zip(*rows, strict=True):
            inside.add(Text(self._named(column)))

    def _lone(self, branch: Items) -> str | None:
        match branch:
            case (Task(node),):
                return self._names[node]
            case _:
                return None

    def _named(self, nodes: Iterable[int]) -> str:
        """Names with ids, nodes of one name together."""
        by_name: dict[str, list[int]] = {}
        for node in nodes:
            by_name.setdefault(self._names[node], []).append(node)
        return ", ".join(_several(name, found) for name, found in by_name.items())


def _nodes(branches: Iterable[Items]) -> Iterator[int]:
    for branch in branches:
        yield from (item.node for item in branch if isinstance(item, Task))


def _several(name: str, nodes: list[int]) -> str:
    listed = ", ".join(str(node) for node in nodes[:_LISTED])
    rest = ", …" if len(nodes) > _LISTED else ""
    count = f"{len(nodes):,} x " if len(nodes) > 1 else ""
    return f"{count}{name} ({listed}{rest})"


def _figures(compiled: "Compiled") -> Table:
    cost, bill = compiled.cost, compiled.cost.bill
    each = f"{cost.transitions / cost.tasks:.2f} for each electron" if cost.tasks else ""
    states = sum(_states(json.loads(machine.definition)) for machine in compiled.machines)
    largest = " in the largest machine" if cost.nested else ""
    rows = [
        ("Electrons", f"{cost.tasks:,}", ""),
        ("Gates", f"{cost.gates:,}", f"{cost.arrivals:,} arrivals"),
        ("Parallels", f"{cost.parallels:,}", ""),
        ("Maps", f"{cost.maps:,}", f"{cost.distributed:,} distributed, {cost.batches:,} batches"),
        ("Machines", f"{cost.machines:,}", f"{cost.nested:,} nested"),
        ("States", f"{states:,}", "with those for failures"),
        ("Transitions", f"{cost.transitions:,}", each),
        ("History", f"{cost.events:,}", "events" + largest),
        ("Definition", f"{cost.size:,}", "bytes as sent" + largest),
        ("Dollars", f"{bill.total:.6f}", "list prices; electrons of 0.1 s, 512 MB"),
        ("  Step Functions", f"{bill.transitions:.6f}", ""),
        ("  Lambda", f"{bill.functions:.6f}", ""),
        ("  DynamoDB", f"{bill.records:.6f}", ""),
        ("  S3", f"{bill.objects:.6f}", ""),
        ("  API", f"{bill.api:.6f}", ""),
    ]
    return _table("A run without failures", ["", "right", ""], rows)


def _states(machine: Any) -> int:
    inner = (
        branch
        for each in machine["States"].values()
        for branch in (*each.get("Branches", ()), each.get("ItemProcessor"))
        if branch
    )
    return len(machine["States"]) + sum(map(_states, inner))


def _limits(manifest: "Manifest", compiled: "Compiled") -> Table:
    uses = uses_of(manifest, compiled.cost, compiled.plan)
    rows: list[tuple[str, ...]] = [("", "takes", "limit", "room", "")]
    for use in uses:
        room = use.quota.number - use.found
        numbers = (f"{number:,}" for number in (use.found, use.quota.number, room))
        rows.append((use.quota.name, *numbers, use.quota.unit + _more(use, room, compiled.cost)))
    return _table("Limits", ["", "right", "right", "right", ""], rows)


def _more(use: "Use", room: int, cost: "Cost") -> str:
    """What the room is for, where every electron takes some of it."""
    if use.quota not in (DEFINITION, EVENTS) or not cost.tasks:
        return ""
    return f": {room * cost.tasks // use.found:,} such electrons more"


def _table(title: str, columns: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Table:
    """A table without lines; columns says which are to the right."""
    table = Table(title=title, title_justify="left", box=None, show_header=False, padding=(0, 1))
    for side in columns:
        table.add_column(justify="right" if side else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
