"""Draw the makespans."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "covalent"  # the same figures, the same file
mpl.rcParams["svg.fonttype"] = "none"  # text, not outlines

from matplotlib import pyplot as plt  # noqa: E402 -- after the backend is chosen

if TYPE_CHECKING:
    from benchmarks.makespan import Row

SERIES = (
    ("levels", "level barriers", "#b8b8b8"),
    ("joins", "fork-join", "#8aa5c4"),
    ("ours", "compiled here", "#c0392b"),
    ("ideal", "ideal scheduler", "#222222"),
)


def draw(rows: Sequence["Row"], path: Path) -> None:
    """Write `path`.png and `path`.svg: a line of dots for each workflow."""
    figure, axes = plt.subplots(figsize=(7, 0.28 * len(rows) + 1.2), layout="constrained")
    places = range(len(rows), 0, -1)
    for figure_name, label, colour in SERIES:
        values = [row.mean(figure_name) for row in rows]
        marker = "|" if figure_name == "ideal" else "o"
        axes.scatter(values, places, label=label, color=colour, marker=marker, zorder=3)
    axes.set_yticks(list(places), [f"{row.name} ({row.electrons})" for row in rows])
    axes.set_xlabel("simulated makespan / critical path")
    axes.axvline(1, color="#dddddd", zorder=1)
    axes.grid(axis="y", color="#eeeeee", zorder=0)
    axes.legend(loc="upper right", fontsize="small")
    for ending in (".png", ".svg"):
        metadata = {"Date": None} if ending == ".svg" else None
        figure.savefig(path.with_suffix(ending), dpi=110, metadata=metadata)
    plt.close(figure)
