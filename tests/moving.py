"""Files to transfer, and what a transfer takes."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from covalent_runner.transfers.moves import Move, Way
from covalent_runner.transfers.places import Place

MEGABYTE = 1024 * 1024
SIZE = 64 * MEGABYTE

_MEASURE = """
import pickle, sys, tracemalloc
warm, move = pickle.load(sys.stdin.buffer)
if warm:
    warm()  # what is imported counts for nothing
tracemalloc.start()
move()
print(tracemalloc.get_traced_memory()[1])
"""

Peak = Callable[..., int]


def place(given: Any, **flags: bool) -> Place:
    """A place as the SDK would make it."""
    text = str(given)
    remote = "://" in text
    return Place(text, **{"remote": remote, "folder": text.endswith("/"), **flags})


def move(way: Way, source: Any, target: Any) -> None:
    """Transfer between two paths or places."""
    ends = [each if isinstance(each, Place) else place(each) for each in (source, target)]
    Move(way, *ends)()


@pytest.fixture
def peak() -> Peak:
    """Bytes that a transfer takes at most, in a process of its own; another one, of little, may go first."""

    def measured(move: Move, warm: Move | None = None) -> int:
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE],
            input=pickle.dumps((warm, move)),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return int(done.stdout)

    return measured


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that must not be in memory as a whole; it takes no room on the disk."""
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(SIZE)
        file.write(b"start")
        file.seek(SIZE - 3)
        file.write(b"end")
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files and folders."""
    root = tmp_path / "tree"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "sub" / "b c.txt").write_text("b")
    (root / "sub" / "deep" / "ü.txt").write_text("c")
    return root


def content(root: Path) -> dict[str, str]:
    """Every file below a folder."""
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_text() for path in found}


TREE = {"a.txt": "a", "sub/b c.txt": "b", "sub/deep/ü.txt": "c"}
