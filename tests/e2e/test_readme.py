"""What the README shows runs as it stands."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.usefixtures("server")
def test_the_six_lines(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    shown = re.search(r"print\(.*\)  # (.*)", code)
    assert shown
    assert capsys.readouterr().out.strip() == shown[1]
