import os
import sys
from pathlib import Path

import pytest

from covalent_runner import workdir
from covalent_runner.workdir import isolated

from .conftest import DISPATCH_ID, Dispatch


@pytest.fixture(autouse=True)
def no_spare_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workdir, "_spare", [])


def test_an_electron_has_an_empty_directory_of_its_own(dispatch: Dispatch) -> None:
    def work() -> tuple[str, list[str]]:
        found = os.listdir()  # noqa: PTH208
        Path("result.txt").write_text("x")
        return os.getcwd(), found  # noqa: PTH109

    dispatch.add(0, work)
    dispatch.add(1, work)
    before = Path.cwd()
    dispatch.run(0)
    dispatch.run(1)
    (first, found), (second, found_too) = dispatch.value(0), dispatch.value(1)
    assert first != second
    assert found == found_too == []
    assert not Path(first).exists()
    assert Path.cwd() == before


def test_nothing_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("CHANGED", "1")
    path, limit, here = sys.path, sys.getrecursionlimit(), Path.cwd()
    entries, environment = path[:], dict(os.environ)
    with pytest.raises(ValueError, match="boom"), isolated(DISPATCH_ID) as folder:  # noqa: PT012  # leaves it all changed
        assert os.environ["COVALENT_DISPATCH_ID"] == DISPATCH_ID
        os.chdir("/")
        os.environ.update(NEW="1", CHANGED="2")
        del os.environ["KEPT"]
        sys.path.append("/somewhere")
        sys.path = ["/elsewhere"]
        sys.setrecursionlimit(5_000)
        Path(folder, "left").touch()
        raise ValueError("boom")
    assert not folder.exists()
    assert Path.cwd() == here
    assert dict(os.environ) == environment
    assert sys.path is path
    assert path == entries
    assert sys.getrecursionlimit() == limit


def test_a_directory_left_empty_serves_again_until_something_is_in_it() -> None:
    with isolated(DISPATCH_ID) as first, isolated(DISPATCH_ID) as other:
        assert first != other
    with isolated(DISPATCH_ID) as again:
        assert again == first
    (first / "late").touch()  # by a process that the electron left behind
    with isolated(DISPATCH_ID) as fresh:
        assert fresh != first
    (first / "late").unlink()
    first.rmdir()


def test_a_directory_that_the_electron_removed_itself() -> None:
    with isolated(DISPATCH_ID) as folder:
        folder.rmdir()
    assert not folder.exists()


def test_a_process_that_stands_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with isolated(DISPATCH_ID) as folder:
        assert Path.cwd() == folder
    assert Path.cwd().exists()
