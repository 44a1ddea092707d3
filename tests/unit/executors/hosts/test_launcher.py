"""The program that sees whether a Python can run the job."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from covalent_executors.hosts import launcher

HERE = ".".join(platform.python_version_tuple()[:2])


def launch(folder: Path, python: str = sys.executable, **environment: str) -> Any:
    (folder / launcher.PROGRAM).write_text("print('ran'); raise SystemExit(5)")
    return subprocess.run(
        [python, launcher.__file__],
        env={launcher.FOLDER: str(folder), "PATH": "/nowhere", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_job_takes_its_place(tmp_path: Path) -> None:
    done = launch(tmp_path, **{launcher.PYTHON: HERE})
    assert (done.returncode, done.stdout) == (5, "ran\n")
    assert not (tmp_path / "refused").exists()


def test_another_version_is_refused(tmp_path: Path) -> None:
    done = launch(tmp_path, **{launcher.PYTHON: "3.99"})
    assert (done.returncode, done.stdout) == (launcher.REFUSED, "")
    assert (tmp_path / "refused").read_text() == f"python {HERE} {sys.executable}"


def test_the_python_with_the_version_in_its_name_is_taken(tmp_path: Path) -> None:
    other = tmp_path / "python3.99"
    other.write_text('#!/bin/sh\necho "other $*"\n')
    other.chmod(0o700)
    done = launch(tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}", **{launcher.PYTHON: "3.99"})
    assert done.stdout == f"other {launcher.__file__}\n"


def test_old_pythons_can_read_it() -> None:
    compile(Path(launcher.__file__).read_text(), "launcher", "exec", dont_inherit=True)
    import ast

    ast.parse(Path(launcher.__file__).read_text(), feature_version=(3, 4))
