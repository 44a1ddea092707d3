"""The fewest gates, or transitions, with which a partial order can be laid out, by search. For a handful of electrons.

A layout is a series-parallel order over the electrons and some gates (sequences and Parallels, however nested: those
are the orders without an N), in which every gate also waits for any set of electrons. It is exact if the
electrons' order that follows, transitively, is the given one. The compiler's layouts are among them.

Two things make the search small. A part of a series-parallel order is series-parallel, so gates may be added one by
one. And a cover pair p < u that the position does not give must come from a gate: one in front of u with nothing
behind it that p does not precede.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations, product

Poset = tuple[int, ...]
"""For each element the set (bits) of those before it; elements in topological order."""


def posets(n: int) -> list[Poset]:
    """Every partial order of n elements, up to isomorphism."""
    found: list[Poset] = [()]
    for size in range(n):
        grown: dict[object, Poset] = {}
        for poset in found:
            for below in _closed_sets(poset, size):
                new = (*poset, below)
                grown.setdefault(_canonical(new), new)
        found = list(grown.values())
    return found


def covers(poset: Poset) -> list[tuple[int, int]]:
    """The pairs without anything between."""
    return [
        (a, b)
        for b, below in enumerate(poset)
        for a in _members(below)
        if not any(poset[c] >> a & 1 for c in _members(below))
    ]


def is_series_parallel(poset: Poset) -> bool:
    """Whether it has no N: a < c, b < c, b < d and nothing else among the four."""
    return not any(
        _is_n(poset, *four)
        for quad in combinations(range(len(poset)), 4)
        for four in permutations(quad)
    )


def least_gates(poset: Poset, most: int) -> int:
    """The least number of gates, if it is below `most`; otherwise `most`."""
    if is_series_parallel(poset):
        return 0
    return next((k for k in range(1, most) if _fits(poset, k)), most)


def least_transitions(poset: Poset, most: int) -> int:
    """The least number of gates and Parallels together, if it is below `most`; otherwise `most`."""
    least = most
    for skeleton in _skeletons(poset):
        least = _least(poset, skeleton, least)
    return least


def _least(poset: Poset, layout: Poset, least: int) -> int:
    """The same, for what begins with this layout."""
    gates = len(layout) - len(poset)
    missing = _missing(poset, layout)
    if missing is None:
        return min(least, gates + _parallels(layout, range(len(layout))))
    if gates + 2 >= least:  # a gate more, and where there are gates there is a Parallel
        return least
    for new in _with_gate_for(poset, layout, *missing):
        least = _least(poset, new, least)
    return least


def _parallels(layout: Poset, part: Sequence[int]) -> int:
    """How many Parallels a series-parallel order takes."""
    if len(part) == 1:
        return 0
    for in_series in (False, True):
        pieces = _pieces(layout, part, in_series)
        if len(pieces) > 1:
            return (not in_series) + sum(_parallels(layout, piece) for piece in pieces)
    raise ValueError("this order is not series-parallel")


def _pieces(layout: Poset, part: Sequence[int], in_series: bool) -> list[list[int]]:
    """The components of the elements that have an order between them, or of those that have none."""
    left = set(part)
    found: list[list[int]] = []
    while left:
        piece = [left.pop()]
        for x in piece:
            near = {y for y in left if bool(layout[x] >> y & 1 | layout[y] >> x & 1) != in_series}
            piece += near
            left -= near
        found.append(piece)
    return found


def _fits(poset: Poset, gates: int) -> bool:
    return any(_cover(poset, skeleton, gates) for skeleton in _skeletons(poset))


def _skeletons(poset: Poset) -> Iterator[Poset]:
    """The series-parallel orders that are part of a given one."""
    found: set[Poset] = {()}
    for element, below in enumerate(poset):
        found = {
            new
            for each in found
            for part in _closed_sets(each, element)
            if not part & ~below and is_series_parallel(new := (*each, part))
        }
    yield from found


def _cover(poset: Poset, layout: Poset, gates: int) -> bool:
    """Whether that many gates more give every pair of the order that the layout lacks."""
    missing = _missing(poset, layout)
    if missing is None:
        return True
    if not gates:
        return False
    return any(_cover(poset, new, gates - 1) for new in _with_gate_for(poset, layout, *missing))


def _missing(poset: Poset, layout: Poset) -> tuple[int, int] | None:
    """A pair of the order that the layout lacks."""
    return next((pair for pair in covers(poset) if not _has(poset, layout, *pair)), None)


def _with_gate_for(poset: Poset, layout: Poset, p: int, u: int) -> Iterator[Poset]:
    """The layouts with a gate more by which u waits for p."""
    n = len(poset)
    allowed = sum(1 << x for x in range(n) if poset[x] >> p & 1)
    return _with_gate(layout, u, allowed, n)


def _has(poset: Poset, layout: Poset, p: int, u: int) -> bool:
    """Whether u waits for p by position, or through a gate before u all of whose followers p precedes."""
    if layout[u] >> p & 1:
        return True
    n = len(poset)
    gates = (each for each in _members(layout[u]) if each >= n)
    return any(all(poset[x] >> p & 1 for x in range(n) if layout[x] >> gate & 1) for gate in gates)


def _with_gate(layout: Poset, u: int, allowed: int, n: int) -> Iterator[Poset]:
    """The layouts with one gate more in front of u, and of nothing that is not allowed."""
    size = len(layout)
    above = [sum(1 << y for y in range(size) if layout[y] >> x & 1) for x in range(size)]
    for behind in _subsets((1 << size) - 1):
        if not behind >> u & 1 or (behind & (1 << n) - 1) & ~allowed:
            continue
        if any(above[x] & ~behind for x in _members(behind)):
            continue
        common = (1 << size) - 1
        for x in _members(behind):
            common &= layout[x]
        for front in _subsets(common):
            if any(layout[x] & ~front for x in _members(front)):
                continue
            new = tuple(
                below | (1 << size if behind >> x & 1 else 0) for x, below in enumerate(layout)
            )
            if is_series_parallel(new := (*new, front)):
                yield new


def _is_n(poset: Poset, a: int, b: int, c: int, d: int) -> bool:
    def less(x: int, y: int) -> bool:
        return bool(poset[y] >> x & 1)

    related = {(x, y) for x, y in product((a, b, c, d), repeat=2) if less(x, y)}
    return related == {(a, c), (b, c), (b, d)}


def _closed_sets(poset: Poset, size: int) -> list[int]:
    """The sets that hold, with an element, everything before it."""
    return [each for each in range(1 << size) if not any(poset[x] & ~each for x in _members(each))]


def _members(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _subsets(bits: int) -> Iterator[int]:
    part = bits
    while True:
        yield part
        if not part:
            return
        part = part - 1 & bits


def _canonical(poset: Poset) -> tuple[tuple[int, int], ...]:
    """Equal for isomorphic orders: the smallest list of pairs over all ways to number the elements by rank."""
    n = len(poset)
    pairs = [(a, b) for b, below in enumerate(poset) for a in _members(below)]
    kinds: dict[tuple[int, ...], list[int]] = {}
    for x in range(n):
        below = tuple(sorted(poset[y].bit_count() for y in _members(poset[x])))
        above = sorted(poset[b].bit_count() for a, b in pairs if a == x)
        kinds.setdefault((len(below), *below, -1, *above), []).append(x)
    groups = [kinds[key] for key in sorted(kinds)]
    best = None
    for choice in product(*(permutations(group) for group in groups)):
        number = {x: i for i, x in enumerate(x for group in choice for x in group)}
        found = tuple(sorted((number[a], number[b]) for a, b in pairs))
        best = found if best is None else min(best, found)
    sizes = tuple((len(group), -1) for group in groups)
    return (*sizes, *(best or ()))
