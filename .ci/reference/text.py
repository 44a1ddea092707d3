"""The reference, taken apart: headings with their lines, and fenced code blocks with the sections they stand in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADING = re.compile(r"^(#{1,5}) +(.+?)\s*$")
_FENCE = re.compile(r"^\s*```\s*(\w*)\s*$")


@dataclass(frozen=True)
class Heading:
    """A heading; `path` holds it and those above it, outermost first."""

    line: int
    level: int
    title: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A fenced block under a heading."""

    line: int
    language: str
    text: str
    heading: Heading


@dataclass(frozen=True)
class Reference:
    """The reference in the order of its text."""

    headings: tuple[Heading, ...]
    blocks: tuple[Block, ...]


def read(path: Path) -> Reference:
    """Take the reference apart."""
    headings: list[Heading] = []
    blocks: list[Block] = []
    lines = iter(enumerate(path.read_text().splitlines(), 1))
    above: list[Heading] = []
    for number, line in lines:
        if fence := _FENCE.match(line):
            blocks.append(Block(number, fence[1], _fenced(lines), headings[-1]))
        elif match := _HEADING.match(line):
            level, title = len(match[1]), match[2]
            above = [each for each in above if each.level < level]
            found = Heading(number, level, title, (*(each.title for each in above), title))
            above.append(found)
            headings.append(found)
    return Reference(tuple(headings), tuple(blocks))


def _fenced(lines: Iterator[tuple[int, str]]) -> str:
    body: list[str] = []
    for _, line in lines:
        if _FENCE.match(line):
            break
        body.append(line)
    return "\n".join(body)
