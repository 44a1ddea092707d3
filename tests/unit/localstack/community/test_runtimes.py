"""Which interpreter runs a function."""

from pathlib import Path

import pytest

from covalent_localstack.community.runtimes import FOLDER, NoRuntime, interpreter


def test_the_interpreter_of_a_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python3.12" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setenv(FOLDER, str(tmp_path))
    assert interpreter("python3.12") == python


@pytest.mark.parametrize(
    ("runtime", "cure"),
    [
        ("python3.12", "uv python install 3.12"),
        ("nodejs22.x", "LocalStack in Docker"),
        (None, "LocalStack in Docker"),
    ],
)
def test_a_runtime_that_is_not_there(runtime: str | None, cure: str, tmp_path: Path) -> None:
    with pytest.raises(NoRuntime, match=cure):
        interpreter(runtime, tmp_path)
