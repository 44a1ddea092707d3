"""Divide a plan that is too large for one state machine.

Nothing here changes when an electron may start: any run of items of one branch, or branches that are neighbours in a
`Parallel`, may become an execution of its own, because what follows waits for all of it anyhow, and gates work
across executions.

nested  such a run, as a machine of its own, called by the one around it
map     branches that do the same with other electrons: one template, and a row of node ids for each

Which to use, by what a run costs (`covalent_step_functions.cost`): a nested execution takes one transition, and a
machine to create. An inline Map takes one transition too and saves the bytes of all branches but one; of more than
`WIDTH` rows not all would start at once. So a wider Map is distributed, where every batch takes two transitions: 5 %
on single electrons, and AWS starts 100 batches a second. It is for what no single machine could hold.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from covalent_step_functions import quotas
from covalent_step_functions.cost import EXECUTION_EVENTS, Cost, cost_of, row_events
from covalent_step_functions.plan import Each, Gate, Item, Items, Nested, Parallel, Plan, Task
from covalent_step_functions.weights import Weight, Weights

WIDTH = quotas.MAP_WIDTH
"""Rows of an inline Map, and of a batch."""
NARROW = 4
"""Fewer branches are not worth a Map."""
ROWS_BYTES = quotas.LOST.number
"""Rows of one Map, as JSON: they are in its input, and in the report on what was lost of them."""
BUDGET = Weight(quotas.DEFINITION.number, quotas.EVENTS.number - EXECUTION_EVENTS)
"""What one machine may take."""

Weighed = tuple[Items, Weight]


def split(plan: Plan, weights: Weights, budget: Weight = BUDGET) -> Plan:
    """Divide a plan into machines within the budget.

    Args:
        plan: what runs after what.
        weights: what items take.
        budget: what one machine may take.

    Returns:
        The same plan if it fits as it is, else the cheapest division found.

    """
    splitter = _Splitter(weights, budget)
    fitted = Plan(splitter.fit(plan.items)[0])
    if not _holds(fitted, Nested):
        return plan
    mappers = (_Mapper(weights, budget, most) for most in (0, WIDTH))
    wide, all_ = (Plan(mapper.items(plan.items)) for mapper in mappers)
    if not _holds(all_, Each):
        return fitted
    found = [
        Plan(splitter.fit(wide.items)[0]) if _holds(wide, Each) else fitted,
        Plan(splitter.fit(all_.items)[0]),
    ]
    return min(found, key=lambda each: _price(cost_of(each)))


def _holds(plan: Plan, kind: type[Item]) -> bool:
    return any(isinstance(item, kind) for item in plan.walk())


def _price(cost: Cost) -> tuple[int, int]:
    return cost.transitions, cost.machines


class _InSequence:
    """Pieces of one branch, one after the other."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def whole(self, pieces: Iterable[Weighed]) -> Weighed:
        items: list[Item] = []
        total = Weight()
        for some, weight in pieces:
            total += weight + self.seam(items[-1] if items else None, some)
            items += some
        return tuple(items), total

    def seam(self, before: Item | None, items: Items) -> Weight:
        """The report on a line, or a gate, that begins with these items; the check of a line that ends before."""
        first = next(item for item in items if not isinstance(item, Gate))
        ended = before if isinstance(before, Task) else None
        if isinstance(first, Task):
            return Weight() if ended else self._weights.line
        gate = self._weights.gate_report if isinstance(items[0], Gate) else Weight()
        return gate + (self._weights.check(ended.node) if ended else Weight())


class _AtOnce:
    """Branches of one Parallel."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def whole(self, pieces: Sequence[Weighed]) -> Weighed:
        if len(pieces) == 1:
            return pieces[0]
        fork = Parallel(tuple(items for items, _ in pieces))
        return (fork,), sum((weight for _, weight in pieces), self._weights.item(fork))

    def seam(self, before: Item | None, _: Items) -> Weight:
        return self._weights.branch if before else self._weights.fork


_Form = _InSequence | _AtOnce


class _Splitter:
    def __init__(self, weights: Weights, budget: Weight) -> None:
        self.weights = weights
        self.budget = budget
        self._in_sequence = _InSequence(weights)
        self._at_once = _AtOnce(weights)

    def fit(self, items: Items) -> Weighed:
        """The items of one machine or branch, with as many nested executions as the budget asks for."""
        return self._within(list(self._units(items)), self._in_sequence)

    def _units(self, items: Items) -> Iterator[Weighed]:
        """What stays together: every item, with a gate in front of it."""
        gate: Items = ()
        for item in items:
            if isinstance(item, Gate):
                gate = (item,)
                continue
            unit = self._fork(item) if isinstance(item, Parallel) else self._alone(item)
            yield self._behind(self._alone(*gate), unit) if gate else unit
            gate = ()

    def _alone(self, item: Item) -> Weighed:
        return (item,), self.weights.item(item)

    def _behind(self, gate: Weighed, unit: Weighed) -> Weighed:
        """Both together within the budget, where each is."""
        both = gate[0] + unit[0], gate[1] + unit[1]
        if (both[1] + self.weights.gate_report).fits(self.budget):
            return both
        nested = self._nested(unit)
        return gate[0] + nested[0], gate[1] + nested[1]

    def _within(self, pieces: Sequence[Weighed], form: _Form) -> Weighed:
        """Pieces as a whole within the budget: neighbours become nested executions until it is."""
        found = form.whole(pieces)
        if found[1].fits(self.budget):
            return found
        groups = list(self._packed(pieces, form))
        if len(groups) < len(pieces):
            return self._within([self._nested(form.whole(group)) for group in groups], form)
        deeper = [self._nested(piece) for piece in pieces]
        return self._within(deeper, form) if deeper != pieces else found

    def _packed(self, pieces: Iterable[Weighed], form: _Form) -> Iterator[list[Weighed]]:
        """Neighbours together, as many as the budget allows."""
        group: list[Weighed] = []
        total = Weight()
        for piece in pieces:
            before = group[-1][0][-1] if group else None
            more = piece[1] + form.seam(before, piece[0])
            if group and not (total + more).fits(self.budget):
                yield group
                group, total = [], Weight()
                more = piece[1] + form.seam(None, piece[0])
            group.append(piece)
            total += more
        yield group

    def _fork(self, parallel: Parallel) -> Weighed:
        return self._within([self.fit(branch) for branch in parallel.branches], self._at_once)

    def _nested(self, weighed: Weighed) -> Weighed:
        """The same as a nested execution, where that takes less."""
        nested = Nested(weighed[0])
        weight = self.weights.item(nested)
        return ((nested,), weight) if weight.bytes < weighed[1].bytes else weighed


@dataclass(frozen=True)
class _Mapper:
    """Makes Maps of branches that are alike: of up to `most` rows inline, and of what no machine holds distributed."""

    weights: Weights
    budget: Weight
    most: int

    def items(self, items: Items) -> Items:
        """The items with Maps in them."""
        return tuple(each for item in items for each in self._item(item))

    def _item(self, item: Item) -> Items:
        if not isinstance(item, Parallel):
            return (item,)
        branches = tuple(self._branches(item.branches))
        return branches[0] if len(branches) == 1 else (Parallel(branches),)

    def _branches(self, branches: Iterable[Items]) -> Iterator[Items]:
        """The branches, those that are alike as one Map in the place of the first."""
        alike: dict[object, list[Items]] = {}
        for number, branch in enumerate(branches):
            alike.setdefault(self._form(branch) or number, []).append(branch)
        for group in alike.values():
            maps = list(self._maps([_row(branch) for branch in group]))
            if maps:
                yield from ((each,) for each in maps)
            else:
                yield from (self.items(branch) for branch in group)

    def _form(self, branch: Items) -> tuple[object, ...]:
        """What the tasks of a branch are, if there is nothing but tasks in it."""
        return tuple(map(self.weights.likeness, _row(branch)))

    def _maps(self, rows: Sequence[tuple[int, ...]]) -> Iterator[Each]:
        """These rows as Maps, if they should be."""
        if not rows[0] or len(rows) < NARROW:
            return
        events = self.weights.events(rows[0])
        if len(rows) <= self.most:
            each = Each(tuple(rows), events=events)
            if self.weights.item(each).fits(self.budget):
                yield each
        elif row_events(events) <= self.budget.events and not self._fit_as_branches(rows):
            batch = min(WIDTH, self.budget.events // row_events(events))
            yield from (Each(some, batch, events) for some in _cut(rows))

    def _fit_as_branches(self, rows: Sequence[tuple[int, ...]]) -> bool:
        """Whether one machine could hold them as a Parallel."""
        alone = sum((self.weights.item(Task(node)) for node in rows[0]), self.weights.line)
        events = self.weights.events(rows[0])
        return Weight(alone.bytes * len(rows), events * len(rows)).fits(self.budget)


def _row(branch: Items) -> tuple[int, ...]:
    """The tasks of a branch; nothing if there is something else in it."""
    row = tuple(item.node for item in branch if isinstance(item, Task))
    return row if len(row) == len(branch) else ()


def _cut(rows: Sequence[tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """As many rows at a time as fit into the input of a Map."""
    widest = max(len(json.dumps(row)) for row in rows) + 1
    count = max(1, ROWS_BYTES // widest)
    return (tuple(rows[start : start + count]) for start in range(0, len(rows), count))
