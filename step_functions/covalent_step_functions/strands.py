"""Put blocks on strands: which block follows which in one branch, and which needs a gate.

A strand is a sequence in which everything earlier precedes everything later. A block is put behind what holds all its
parents, if all of that precedes it: behind a strand, or behind several strands joined in a Parallel. Then it
needs no gate. Otherwise it has one anyhow, and is put where it is in nobody's way: behind a strand only if
whatever else waits for that strand waits for this block too.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from covalent_step_functions.decompose import Block, Blocks
from covalent_step_functions.order import Order


@dataclass(eq=False)
class Strand:
    """Steps that follow each other: a block, or strands that run at once.

    covered are the positions on it, waiting those of blocks that have a parent on it; depth is how deep strands
    are joined in it.
    """

    steps: list["Block | tuple[Strand, ...]"]
    covered: int = 0
    waiting: int = 0
    depth: int = 0


def blocks_of(step: "Block | tuple[Strand, ...]") -> Iterator[Block]:
    """The blocks in a step."""
    if isinstance(step, Block):
        yield step
        return
    for strand in step:
        for each in strand.steps:
            yield from blocks_of(each)


def thread(order: Order, beside: Blocks, depth: int) -> list[Strand]:
    """Put every block on a strand.

    Args:
        order: the order.
        beside: the blocks, in topological order of their heads.
        depth: how deep strands may be joined.

    Returns:
        The strands, in order of their first blocks.

    """
    return _Threading(order, beside, depth).strands()


class _Threading:
    def __init__(self, order: Order, beside: Blocks, depth: int) -> None:
        self._order = order
        self._beside = beside
        self._depth = depth
        self._home: dict[Block, Strand] = {}
        """The strand on which, or in which, a block is."""
        self._waiting: dict[Block, int] = defaultdict(int)
        """For each block the heads of those that wait for something in it."""
        for block in beside:
            for _, parent in block.needs:
                self._waiting[parent] |= 1 << block.heads[0]

    def strands(self) -> list[Strand]:
        for block in self._beside:
            self._put(block)
        return list(dict.fromkeys(self._home[block] for block in self._beside))

    def _put(self, block: Block) -> None:
        strand = self._place(block)
        strand.steps.append(block)
        strand.covered |= block.members
        strand.waiting |= self._waiting[block]
        self._home[block] = strand

    def _place(self, block: Block) -> Strand:
        homes = [self._home[parent] for _, parent in block.needs]
        parents = list(dict.fromkeys(homes))
        earlier = self._order.before[block.heads[0]]
        ended = [strand for strand in parents if not strand.covered & ~earlier]
        if parents and len(ended) == len(parents):
            if len(ended) == 1:
                return ended[0]
            if 1 + max(strand.depth for strand in ended) <= self._depth:
                return self._joined(ended)
        return max(
            (strand for strand in ended if not self._is_in_the_way(block, strand)),
            key=homes.count,
            default=Strand([]),
        )

    def _joined(self, strands: Sequence[Strand]) -> Strand:
        joined = Strand([tuple(strands)], depth=1 + max(strand.depth for strand in strands))
        for strand in strands:
            joined.covered |= strand.covered
            joined.waiting |= strand.waiting
            for step in strand.steps:
                self._home.update(dict.fromkeys(blocks_of(step), joined))
        return joined

    def _is_in_the_way(self, block: Block, strand: Strand) -> bool:
        """Whether something later could follow the strand if this block did not."""
        head = block.heads[0]
        return bool(strand.waiting >> head + 1 & ~(self._order.after[head] >> head + 1))
