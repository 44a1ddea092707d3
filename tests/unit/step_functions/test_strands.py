from collections.abc import Sequence

from covalent_step_functions.decompose import Block, blocks
from covalent_step_functions.order import Order, order_of
from covalent_step_functions.strands import Strand, blocks_of, thread

Edges = Sequence[tuple[int, int]]


def order(edges: Edges, n: int) -> Order:
    return order_of(range(n), {b: [a for a, target in edges if target == b] for b in range(n)})


def threaded(edges: Edges, n: int, depth: int = 12) -> list[Strand]:
    found = order(edges, n)
    return thread(found, blocks(found), depth)


def members(block: Block) -> list[int]:
    return [i for i in range(block.members.bit_length()) if block.members >> i & 1]


def shown(strand: Strand) -> list[object]:
    """Members of blocks, and joined strands as tuples."""
    return [
        members(step) if isinstance(step, Block) else tuple(map(shown, step))
        for step in strand.steps
    ]


def test_a_block_follows_the_strands_that_end_before_it() -> None:
    edges = [(0, 3), (1, 3), (0, 4), (2, 4)]
    assert list(map(shown, threaded(edges, 5))) == [[([[0]], [[1]]), [3]], [[2], [4]]]


def test_strands_are_joined_as_deep_as_allowed() -> None:
    """5 could follow 4 and 2, and 4 follows 0 and 1."""
    edges = [(0, 4), (1, 4), (2, 5), (4, 5), (2, 6), (3, 6)]
    assert max(strand.depth for strand in threaded(edges, 7)) == 2
    assert max(strand.depth for strand in threaded(edges, 7, depth=1)) == 1
    assert max(strand.depth for strand in threaded(edges, 7, depth=0)) == 0


def test_a_block_with_a_gate_is_in_nobodys_way() -> None:
    """4 has a gate wherever it is, since 3 follows 0; behind 1 it would keep 5 from following 1 and 2."""
    edges = [(0, 3), (0, 4), (1, 4), (1, 5), (2, 5)]
    assert list(map(shown, threaded(edges, 6))) == [[[0, 3]], [([[1]], [[2]]), [5]], [[4]]]


def test_every_member_is_on_one_strand() -> None:
    edges = [(a, b) for b in range(40) for a in range(b) if (a * 7 + b * 3) % 11 == 0]
    strands = threaded(edges, 40)
    found = [each for strand in strands for step in strand.steps for each in blocks_of(step)]
    assert sorted(each for block in found for each in members(block)) == list(range(40))
