"""How other compilers would lay the same graph out: as plans without gates."""

from collections.abc import Sequence

from benchmarks.shapes import Dag
from covalent_step_functions.order import Order, bits, order_of
from covalent_step_functions.plan import Item, Items, Parallel, Plan, Task

Part = Sequence[int]
"""Positions in topological order."""


def level_barriers(dag: Dag) -> Plan:
    """Everything of one depth at once, then everything of the next."""
    return Plan(tuple(_level(nodes) for nodes in _by_level(dag, list(dag))))


def fork_join(dag: Dag) -> Plan:
    """Nested splits, each with a join, as Metaflow demands.

    What is not series-parallel is cut between two levels, where the fewest pairs of electrons get an order that the
    graph does not ask for. No join costs a step of its own here, which is in favour of this plan.
    """
    order = order_of(tuple(dag), dag)
    return Plan(_sequence(order, range(len(dag))) if dag else ())


def _level(nodes: Sequence[int]) -> Item:
    tasks: list[Items] = [(Task(node),) for node in nodes]
    return tasks[0][0] if len(tasks) == 1 else Parallel(tuple(tasks))


def _by_level(dag: Dag, part: Part) -> list[list[int]]:
    """Nodes by the length of the longest way to them inside the part."""
    level: dict[int, int] = {}
    found: list[list[int]] = []
    for node in part:
        level[node] = 1 + max((level[each] for each in dag[node] if each in level), default=-1)
        if level[node] == len(found):
            found.append([])
        found[level[node]].append(node)
    return found


def _sequence(order: Order, part: Part) -> Items:
    items: list[Item] = []
    for piece in _series(order, part):
        items += _piece(order, piece)
    return tuple(items)


def _piece(order: Order, piece: Part) -> Items:
    """A piece of a series: one electron, independent components, or what has to be cut."""
    if len(piece) == 1:
        return (Task(order.nodes[piece[0]]),)
    apart = _components(order, piece)
    if len(apart) > 1:
        return (Parallel(tuple(_sequence(order, each) for each in apart)),)
    earlier, later = _cut(order, piece)
    return (*_sequence(order, earlier), *_sequence(order, later))


def _cut(order: Order, piece: Part) -> tuple[list[int], list[int]]:
    levels = _by_level(dict(enumerate(order.covers)), piece)
    within = bits(piece)
    first: list[int] = []
    ordered = 0
    best = (len(piece) ** 2, 0)
    for level in levels[:-1]:
        for position in level:
            ordered += (order.after[position] & within).bit_count()
            ordered -= (order.before[position] & within).bit_count()
        first += level
        best = min(best, (len(first) * (len(piece) - len(first)) - ordered, len(first)))
    flat = [position for level in levels for position in level]
    return sorted(flat[: best[1]]), sorted(flat[best[1] :])


def _series(order: Order, part: Part) -> list[list[int]]:
    """Cut wherever everything earlier precedes everything later.

    Every topological order lists the first operand of a series composition first, so the cuts are positions in
    ours: there is one after k of n members if and only if all k * (n - k) pairs across are ordered. Pairs across
    are the descendants of the first k members without those among the k, which are the ancestors of the k.
    """
    within = bits(part)
    pieces: list[list[int]] = [[]]
    pairs = 0
    for count, position in enumerate(part):
        if count and pairs == count * (len(part) - count):
            pieces.append([])
        pieces[-1].append(position)
        pairs += (order.after[position] & within).bit_count()
        pairs -= (order.before[position] & within).bit_count()
    return pieces


def _components(order: Order, part: Part) -> list[list[int]]:
    """The weakly connected components, in order of their first members."""
    leader = {position: position for position in part}

    def find(position: int) -> int:
        while leader[position] != position:
            leader[position] = leader[leader[position]]
            position = leader[position]
        return position

    for position in part:
        for parent in order.covers[position]:
            if parent in leader:
                leader[find(position)] = find(parent)
    found: dict[int, list[int]] = {}
    for position in part:
        found.setdefault(find(position), []).append(position)
    return list(found.values())
