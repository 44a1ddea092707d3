"""What docs/quantum.md shows of electrons and their circuits runs as it stands."""

import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.quantum, pytest.mark.usefixtures("server")]
PAGE = Path(__file__).parents[3] / "docs" / "quantum.md"


def code_under(heading: str) -> str:
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return str(code)


def test_a_quantum_electron_in_an_electron(capsys: pytest.CaptureFixture[str]) -> None:
    code = code_under("Where quantum electrons run")
    namespace = {"__name__": "page"}
    exec(compile(code, PAGE.name, "exec"), namespace)
    shown = re.search(r"print\(.*\)  # (.*)", code)
    assert shown
    assert float(capsys.readouterr().out) == pytest.approx(float(shown[1]))
    exec(compile(code_under("What is kept of circuits"), PAGE.name, "exec"), namespace)
    printed = capsys.readouterr().out
    assert printed.startswith("Simulator 0.87758")
    assert "RX(0.5000)" in printed
