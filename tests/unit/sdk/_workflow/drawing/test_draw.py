"""`Lattice.draw`: what is in the picture, that no name can break it, and where it is shown."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import covalent as ct
from covalent._workflow.drawing import showing
from covalent._workflow.drawing.picture import svg
from covalent._workflow.lattice import Lattice
from covalent._workflow.transport import TransportGraph

if TYPE_CHECKING:
    from collections.abc import Callable

SVG = "{http://www.w3.org/2000/svg}"


@ct.electron
def load(path: str, rows: int = 1) -> Any:
    """Read a <file>."""


@ct.electron(executor="awslambda")
def fit(data: Any, rate: float) -> Any: ...


@ct.electron
def report(model: Any) -> None: ...


def workflow(path: str) -> Any:
    data = load(path)
    models = [fit(data, rate=rate) for rate in (0.1, 1)]
    ct.wait(report(models[0].score), models[1])
    return models[0], 7


def picture(function: Callable[..., Any], *args: Any) -> ET.Element:
    lattice = Lattice(function)
    lattice.build_graph(*args)
    return ET.fromstring(svg(lattice.transport_graph, "title"))


def texts(root: ET.Element, of: str) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}{of}")]


def test_every_node_and_every_edge_that_says_something() -> None:
    root = picture(workflow, "a.csv")
    assert texts(root, "text") == [
        "title", "load (0)", "a.csv", "fit (2)", "0.1", "fit (4)", "1",
        ":fit.__getattr__ (6)", "report (7)", "result",
    ]  # fmt: skip
    told = texts(root, "title")
    assert "load\nfunction\nexecutor: local\nRead a <file>." in told
    assert "fit\nfunction\nexecutor: awslambda" in told
    assert sorted(each for each in told if "→" in each) == sorted(
        [
            ":parameter:a.csv → load: path",
            "load → fit: data",
            ":parameter:0.1 → fit: rate",
            "load → fit: data",
            ":parameter:1 → fit: rate",
            ":fit.__getattr__ → report: model",
            "fit → :fit.__getattr__: arg[0]",
            "fit → report: waits",
            "fit → :postprocess:reconstruct: returned",
            "report → :postprocess:reconstruct: waits",
        ]
    )
    assert len(root.findall(f".//{SVG}path[@class='waiting']")) == 2


@given(st.text())
def test_no_name_breaks_the_picture(name: str) -> None:
    graph = TransportGraph()
    node = graph.add_node(name, SimpleNamespace(__doc__=name), {"executor": name})
    other = graph.add_node(name, None, {}, kind="parameter")
    graph.add_edge(other, node, edge_name=name)
    root = ET.fromstring(svg(graph, name))
    assert len(root.findall(f".//{SVG}rect")) == 2
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        "svg", "title", "style", "defs", "marker", "path", "text", "g", "rect",
    }  # fmt: skip


def test_names_are_escaped_and_cut() -> None:
    graph = TransportGraph()
    graph.add_node("<script>alert(1)</script>" * 9, None, {"executor": "local"})
    drawn = svg(graph, "a & b\0")
    assert "<script" not in drawn
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;script&gt;al… (0)</text>" in drawn
    assert "a &amp; b\ufffd</text>" in drawn


def test_a_returned_object_that_cannot_be_looked_into_draws_all_the_same() -> None:
    root = picture(lambda: Picky([load("x")]))
    assert "load → :postprocess:reconstruct: returned" in texts(root, "title")


class Picky:
    """Wants a number where the picture has none."""

    def __init__(self, held: list[Any]) -> None:
        self.held = held

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise ValueError("no number")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Addresses that the browser was given."""
    found: list[str] = []
    monkeypatch.setattr("webbrowser.open", found.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return found


def test_with_a_screen_the_browser_opens_it(
    opened: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    lattice = ct.lattice(workflow)
    lattice.draw("a.csv")
    path = Path(capsys.readouterr().out.strip())
    assert path.name.startswith("covalent-workflow-")
    assert opened == [path.as_uri()]
    assert ET.parse(path).getroot().tag == f"{SVG}svg"
    assert len(lattice.transport_graph) == 0  # as before


def test_without_a_screen_it_only_says_where(
    opened: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    showing.show("<svg/>", "../λ")
    assert Path(capsys.readouterr().out.strip()).read_text() == "<svg/>"
    assert opened == []


def test_a_notebook_displays_it(
    opened: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[Any] = []
    page = SimpleNamespace(display=shown.append, SVG=lambda data: ("SVG", data))
    shell = SimpleNamespace(kernel="running")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", page)
    showing.show("<svg/>", "name")
    assert shown == [("SVG", "<svg/>")]
    assert (capsys.readouterr().out, opened) == ("", [])


def test_drawing_a_workflow_that_cannot_be_built_raises_what_building_does(
    opened: list[str],
) -> None:
    with pytest.raises(ValueError, match="Missing arguments: path"):
        ct.lattice(load).draw()
