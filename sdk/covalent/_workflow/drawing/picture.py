"""A transport graph as SVG. Names are the user's own: every text is escaped."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from covalent._workflow.drawing.layout import BOX_HEIGHT, layout
from covalent._workflow.drawing.links import WAITING, links

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from covalent._workflow.drawing.layout import Layout, Point
    from covalent._workflow.transport import TransportGraph

LABEL_LENGTH = 36
_CHARACTER, _PADDING, _HEADING = 7.2, 26.0, 40.0
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STYLE = """\
svg { background: #fff; font: 12px ui-monospace, Menlo, Consolas, monospace }
text { fill: #1d1d2b; text-anchor: middle; dominant-baseline: central }
.heading { font-size: 15px; font-weight: bold; text-anchor: start }
rect { fill: #eef0ff; stroke: #5552ff; stroke-width: 1.2 }
.parameter rect, .collection rect { fill: #fff; stroke: #b4b4c0 }
.item rect, .attribute rect, .operator rect { fill: #f4f4f7; stroke: #8a8a99 }
.sublattice rect { stroke-width: 3 }
.postprocess rect { fill: #e6f6ec; stroke: #2b9a57 }
path { fill: none; stroke: #8a8a99; marker-end: url(#arrow) }
.waiting { stroke-dasharray: 5 4 }
marker path { fill: #8a8a99; stroke: none; marker-end: none }"""
_ARROW = (
    '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z"/></marker>'
)


def svg(graph: TransportGraph, title: str) -> str:
    """Draw a graph.

    Args:
        graph: of a lattice that is built.
        title: written above it.

    """
    nodes = dict(graph.nodes())
    labels = {node: _label(node, known) for node, known in nodes.items()}
    edges = links(graph)
    placed = layout({node: _width(label) for node, label in labels.items()}, list(edges))
    width = max(placed.width, _width(_short(title)) * 1.3)
    height = placed.height + _HEADING
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 {-_HEADING:.0f} {width:.0f} {height:.0f}" role="img">',
        f"<title>{_safe(title)}</title><style>{_STYLE}</style><defs>{_ARROW}</defs>",
        f'<text class="heading" x="12" y="-20">{_safe(_short(title))}</text>',
        *_edges(edges, nodes, placed),
        *(_node(labels[node], known, placed.centres[node]) for node, known in nodes.items()),
        "</svg>",
    ]
    return "\n".join(body) + "\n"


def _safe(text: str) -> str:
    """Escaped, and without what XML has no form for."""
    return escape(_NOT_XML.sub("\ufffd", text))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LABEL_LENGTH else f"{line[: LABEL_LENGTH - 1]}…"


def _label(node: int, known: Mapping[str, Any]) -> str:
    match known["kind"]:
        case "parameter":
            return _short(str(known["name"]).removeprefix(":parameter:"))
        case "postprocess":
            return "result"
        case _:
            return f"{_short(str(known['name']))} ({node})"


def _width(label: str) -> float:
    return len(label) * _CHARACTER + _PADDING


def _node(label: str, known: Mapping[str, Any], centre: Point) -> str:
    x, y = centre
    width = _width(label)
    corner = 17 if known["kind"] in ("parameter", "collection") else 5
    return (
        f'<g class="{_safe(known["kind"])}"><title>{_safe(_told(known))}</title>'
        f'<rect x="{x - width / 2:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" width="{width:.1f}" height="{BOX_HEIGHT:.0f}" '
        f'rx="{corner}"/><text x="{x:.1f}" y="{y:.1f}">{_safe(label)}</text></g>'
    )


def _told(known: Mapping[str, Any]) -> str:
    """What shows when the pointer rests on a node."""
    lines = [str(known["name"]), str(known["kind"])]
    if known["kind"] in ("function", "sublattice"):
        executor = known["metadata"].get("executor")
        name = executor if isinstance(executor, str) else type(executor).__name__
        lines.append(f"executor: {name}")
        if doc := getattr(known["function"], "__doc__", None):
            lines.append(str(doc).strip().partition("\n")[0])
    return "\n".join(lines)


def _edges(
    edges: Mapping[tuple[int, int], Sequence[str]],
    nodes: Mapping[int, Mapping[str, Any]],
    placed: Layout,
) -> Iterator[str]:
    for (source, target), names in edges.items():
        told = [name for name in names if name != WAITING]
        kind = "" if told else ' class="waiting"'
        words = f"{nodes[source]['name']} → {nodes[target]['name']}: {', '.join(told) or 'waits'}"
        curve = _curve(placed.paths[source, target])
        yield f'<path{kind} d="{curve}"><title>{_safe(words)}</title></path>'


def _curve(points: Sequence[Point]) -> str:
    """A smooth line that leaves and enters each point straight down."""
    (x, y), *others = points
    parts = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in others:
        middle = (y + to_y) / 2
        parts.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return "".join(parts)
