"""No code block of the reference is forgotten: each is run by another check here."""

from collections import Counter
from collections.abc import Container, Iterator

from reference import circuits, commands, config, executors
from reference.text import Block, Reference

RUN_BY = {config.SECTION: "config", commands.SECTION: "commands"}


def check(reference: Reference) -> Iterator[str]:
    """The blocks that nothing runs, a line each."""
    for block in reference.blocks:
        if executors.SECTION in block.heading.path:
            covered = executors.is_covered(block)
        elif _section(block, circuits.SECTIONS):
            covered = circuits.is_covered(block)
        else:
            covered = bool(_section(block, RUN_BY))
        if not covered:
            yield f"line {block.line}: nothing runs this block of {block.heading.title!r}"


def counts(reference: Reference) -> Iterator[str]:
    """How many blocks of a section are run, and how many are not, and why."""
    run = Counter(_section(block, RUN_BY) for block in reference.blocks)
    reasons = Counter(executors.why_not(block) for block in executors.blocks_of(reference))
    yield from (f"{name}: {number} blocks run" for name, number in run.items() if name)
    for why, number in reasons.items():
        yield f"{executors.SECTION}: {number} blocks " + (f"not run, {why}" if why else "run")
    quantum = sum(block.language == "py" for block in circuits.blocks_of(reference))
    yield f"{', '.join(circuits.SECTIONS)}: {quantum} blocks run by the stage `quantum`"


def _section(block: Block, sections: Container[str]) -> str:
    return next((title for title in block.heading.path if title in sections), "")
