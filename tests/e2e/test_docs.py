"""What the pages in docs/ show runs as it stands."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def code_of(page: str) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return str(code)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "page",
    [
        "leptons.md",
        *(f"executors/{name}.md" for name in ("awsbatch", "braket", "ec2", "ecs")),
    ],
)
def test_what_a_page_prints(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = code_of(page)
    exec(compile(code, page, "exec"), {"__name__": "page"})
    shown = re.search(r"print\(.*\)  # (.*)", code)
    assert shown
    assert capsys.readouterr().out.strip() == shown[1]


def test_drawing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    exec(compile(code_of("drawing.md"), "drawing.md", "exec"), {"__name__": "drawing_page"})
    assert "fit (2)" in Path(capsys.readouterr().out.strip()).read_text()
