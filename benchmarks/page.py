"""A page of results: sections with a table each."""

import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"


@dataclass(frozen=True)
class Section:
    """A table with what it rests on; without a table the notes say why."""

    title: str
    table: Table | None
    notes: tuple[str, ...] = ()

    def show(self, console: Console) -> None:
        """Print it."""
        console.rule(self.title)
        if self.table is not None:
            console.print(self.table)
        console.print(*self.notes, sep="\n", markup=False, highlight=False)


def as_markdown(section: Section) -> str:
    """A section of the page."""
    table = "" if section.table is None else f"{_table(section.table)}\n\n"
    notes = "\n".join(section.notes)
    return f"## {section.title}\n\n{table}{notes}".rstrip() + "\n"


def put(section: Section, page: str) -> str:
    """The page with this section in place of the one of the same title, or at its end."""
    head, *others = re.split(r"(?m)^(?=## )", page)
    written = as_markdown(section)
    titles = [other.splitlines()[0] for other in others]
    mine = f"## {section.title}"
    if mine not in titles:
        return f"{page.rstrip()}\n\n{written}"
    others[titles.index(mine)] = f"{written}\n"
    return "".join([head, *others]).rstrip() + "\n"


def _table(table: Table) -> str:
    table.box = box.MARKDOWN
    page = Console(file=StringIO(), width=200)
    page.print(table)
    assert isinstance(page.file, StringIO)
    return "\n".join(line.rstrip() for line in page.file.getvalue().splitlines() if line.strip())
