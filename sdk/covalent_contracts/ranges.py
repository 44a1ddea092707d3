"""Many ids in few characters: the electrons of an array of jobs, of which each job finds its own by its number.

0, 2, 4, 6, 9, 10 are "0:7:2,9:11:1": as of `range`.
"""

from collections.abc import Iterator, Sequence

_BETWEEN, _WITHIN = ",", ":"


def written(ids: Sequence[int]) -> str:
    """Ids in ascending order, each run of equal distance as start, stop and step, as of Python's `range`."""
    return _BETWEEN.join(f"{run.start}:{run.stop}:{run.step}" for run in _runs(ids))


def read(text: str) -> tuple[int, ...]:
    """All of the ids.

    Raises:
        ValueError: the text is none of ours.

    """
    return tuple(id_ for run in _read(text) for id_ in run)


def nth(text: str, index: int) -> int:
    """The id at a place, counted from 0.

    Raises:
        ValueError: the text is none of ours, or has no such place.

    """
    for run in _read(text):
        if 0 <= index < len(run):
            return run[index]
        index -= len(run)
    raise ValueError(f"{text!r} has fewer ids than asked for")


def is_written(text: str) -> bool:
    """Whether this is such a text, and not one id."""
    return _WITHIN in text


def _read(text: str) -> Iterator[range]:
    for part in text.split(_BETWEEN):
        start, stop, step = map(int, part.split(_WITHIN))
        yield range(start, stop, step)


def _runs(ids: Sequence[int]) -> Iterator[range]:
    begin = 0
    while begin < len(ids):
        end = begin + 1
        step = ids[end] - ids[begin] if end < len(ids) else 1
        while end < len(ids) and ids[end] - ids[end - 1] == step:
            end += 1
        yield range(ids[begin], ids[end - 1] + 1, step)
        begin = end
