"""No code block of the reference is forgotten: each is run by another check here, or its section is not held yet."""

from collections import Counter
from collections.abc import Container, Iterator

from reference import commands, config, executors
from reference.promises import NOT_YET
from reference.text import Block, Reference

RUN_BY = {config.SECTION: "config", commands.SECTION: "commands"}


def check(reference: Reference) -> Iterator[str]:
    """The blocks that nothing runs, a line each."""
    for block in reference.blocks:
        if executors.SECTION in block.heading.path:
            covered = executors.is_covered(block)
        else:
            covered = bool(_section(block, RUN_BY) or _section(block, NOT_YET))
        if not covered:
            yield f"line {block.line}: nothing runs this block of {block.heading.title!r}"


def counts(reference: Reference) -> Iterator[str]:
    """How many blocks of a section are run, and how many are not, and why."""
    run = Counter(_section(block, RUN_BY) for block in reference.blocks)
    told = [b for b in reference.blocks if executors.SECTION in b.heading.path]
    reasons = Counter(executors.why_not(block) for block in told)
    skipped = Counter(_section(block, NOT_YET) for block in reference.blocks)
    yield from (f"{name}: {number} blocks run" for name, number in run.items() if name)
    for why, number in reasons.items():
        yield f"{executors.SECTION}: {number} blocks " + (f"not run, {why}" if why else "run")
    yield from (
        f"{name}: {number} blocks skipped, {NOT_YET[name]}"
        for name, number in skipped.items()
        if name
    )


def _section(block: Block, sections: Container[str]) -> str:
    return next((title for title in block.heading.path if title in sections), "")
