"""A function whose code lies in a folder, run by this interpreter and a stand-in for awslambdaric."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from covalent_localstack.community.worker import Code, Worker

HERE = Path(__file__).parent
HANDLERS = """\
import os, subprocess, sys, time

calls = 0


def count(event, context):
    global calls
    calls += 1
    return {"pid": os.getpid(), "calls": calls, "deadline": context["Lambda-Runtime-Deadline-Ms"]}


def say(event, context):
    print(event)
    print("aside", file=sys.stderr)


def talk(event, context):
    print("x" * event)


def fail(event, context):
    raise ValueError(event)


def leave(event, context):
    os._exit(event)


def hang(event, context):
    open(event, "w").write(str(subprocess.Popen(["sleep", "600"]).pid))
    time.sleep(600)


def environment(event, context):
    return dict(os.environ)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The unpacked code of a function."""
    code = tmp_path / "code"
    (code / "awslambdaric").mkdir(parents=True)
    (code / "app.py").write_text(HANDLERS)
    shutil.copy(HERE / "stand_in_ric.py", code / "awslambdaric" / "__main__.py")
    return code


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[str], Worker]]:
    """Start a process for a handler; it ends with the test."""
    started: list[Worker] = []

    def make(handler: str) -> Worker:
        environment = {"_HANDLER": handler, "COLOUR": "red"}
        started.append(Worker(Code(Path(sys.executable), folder, environment)))
        return started[-1]

    yield make
    for worker in started:
        worker.close()
