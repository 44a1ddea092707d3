"""What `benchmarks.versus` measured: medians, their ratio, and whether that is what it has to be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

from rich.table import Table


class Side(StrEnum):
    """Who was measured."""

    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True)
class Measure:
    """What is measured.

    Attributes:
        what: as the table names it.
        unit: of the figures.
        target: what ours over theirs may be at most.

    """

    what: str
    unit: str
    target: float | None = None


@dataclass
class Sample:
    """The figures of one side.

    Attributes:
        values: a figure for each run.
        unfinished: whether a run was given up, so that the figures are only what it takes at least.

    """

    values: list[float] = field(default_factory=list)
    unfinished: bool = False

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    def __str__(self) -> str:
        """As the table shows it."""
        if not self.values:
            return ""
        return f"{'> ' if self.unfinished else ''}{_round(self.median)}"


@dataclass(frozen=True)
class Figure:
    """A measure and what both sides came to."""

    measure: Measure
    ours: Sample
    theirs: Sample

    @property
    def ratio(self) -> float | None:
        """Ours over theirs."""
        if not self.ours.values or not self.theirs.values or not self.theirs.median:
            return None
        return self.ours.median / self.theirs.median

    @property
    def bound(self) -> str:
        """Before the ratio: `<` if theirs did not finish, `>` if ours did not, `?` if neither did."""
        return {(False, True): "< ", (True, False): "> ", (True, True): "? "}.get(
            (self.ours.unfinished, self.theirs.unfinished), ""
        )

    @property
    def verdict(self) -> str:
        """Whether the target was met; open if a run was given up and the rest does not tell."""
        if self.measure.target is None or self.ratio is None:
            return ""
        within = self.ratio <= self.measure.target
        if self.bound in ("", "< " if within else "> "):
            return "met" if within else "missed"
        return "open"


class Readings:
    """Figures as they come in, in the order of their first."""

    def __init__(self) -> None:
        self._samples: dict[Measure, dict[Side, Sample]] = {}

    def add(self, measure: Measure, side: Side, value: float, *, unfinished: bool = False) -> None:
        """Note the figure of a run."""
        sides = self._samples.setdefault(measure, {each: Sample() for each in Side})
        sides[side].values.append(value)
        sides[side].unfinished |= unfinished

    def figures(self) -> Iterator[Figure]:
        """What there is to show."""
        for measure, sides in self._samples.items():
            yield Figure(measure, sides[Side.OURS], sides[Side.THEIRS])


def table_of(figures: Sequence[Figure]) -> Table:
    """The figures as they are printed."""
    table = Table("what", "unit", "ours", "Covalent 0.240", "ratio", "target", "", "runs")
    for each in figures:
        ratio, target = each.ratio, each.measure.target
        table.add_row(
            *(each.measure.what, each.measure.unit, str(each.ours), str(each.theirs)),
            "" if ratio is None else f"{each.bound}{ratio:.3f}",
            "" if target is None else f"1/{1 / target:.0f}",
            each.verdict,
            f"{len(each.ours.values)}, {len(each.theirs.values)}",
        )
    return table


def _round(value: float) -> str:
    """Three digits that matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
