"""Processes that stand for machines: what they find, and that nothing of them stays."""

import base64
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_localstack import programs
from covalent_localstack.ec2 import script_of
from covalent_localstack.programs import Programs

TIMEOUT = 30.0
"""Seconds; only a failing run waits so long."""


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Programs]:
    environment = {"PATH": os.environ["PATH"], "SHARED": "yes"}
    made = Programs(environment, tmp_path / "log")
    yield made
    made.close()


def shell(starter: Programs, text: str, **variables: str) -> programs.Program:
    return starter.start(["sh", "-c", text], variables, starter.folder())


def has_ended(pid: int) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], TIMEOUT)[0])
    finally:
        os.close(process)


def read(fifo: Path) -> str:
    """What is written into it, once it is."""
    return fifo.read_text().strip()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def test_a_program_has_its_own_variables_beside_those_of_all(starter: Programs, fifo: Path) -> None:
    program = shell(
        starter, f'echo "$SHARED $OWN ${{PATH%%:*}}" > {fifo}', OWN="mine", PATH="/first"
    )
    assert read(fifo) == "yes mine /first"
    assert starter.wait(program) == 0
    assert not program.folder.exists()


def test_the_status_of_a_program(starter: Programs) -> None:
    assert starter.wait(shell(starter, "exit 7")) == 7
    assert starter.wait(shell(starter, "kill -9 $$")) == 128 + signal.SIGKILL
    missing = starter.start(["/no/such/program"], {}, starter.folder())
    assert starter.wait(missing) == 127


def test_what_a_program_leaves_behind_is_ended(starter: Programs, fifo: Path) -> None:
    code = (
        "import subprocess as s; p = s.Popen(['sleep', '600'], start_new_session=True); "
        f"open({str(fifo)!r}, 'w').write(str(p.pid))"
    )
    program = starter.start([sys.executable, "-c", code], {}, starter.folder())
    pid = int(read(fifo))
    starter.wait(program)
    assert has_ended(pid)


def test_a_program_may_say_goodbye(starter: Programs, fifo: Path, tmp_path: Path) -> None:
    text = f"trap 'echo bye > {tmp_path}/bye; exit 3' TERM; echo ready > {fifo}; sleep 600 & wait"
    program = shell(starter, text)
    read(fifo)
    program.end()
    assert starter.wait(program) in (3, 128 + signal.SIGKILL), "the launcher may be killed with it"
    assert (tmp_path / "bye").read_text() == "bye\n"


def test_one_that_does_not_listen_is_killed(starter: Programs, fifo: Path) -> None:
    program = shell(starter, f"trap '' TERM; echo $$ > {fifo}; while :; do sleep 1; done")
    pid = int(read(fifo))
    program.end(grace=0.2)
    assert has_ended(pid)
    assert starter.wait(program) == 128 + signal.SIGKILL


def test_the_server_takes_all_of_them_with_it(starter: Programs, fifo: Path) -> None:
    shell(starter, f"echo $$ > {fifo}; exec sleep 600")
    pid = int(read(fifo))
    starter.close()
    assert has_ended(pid)
    with pytest.raises(RuntimeError, match="not running"):
        shell(starter, "true")


def test_nothing_starts_without_a_server() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        programs.current()


@given(st.text(), st.integers(0, 3))
def test_a_script_is_found_however_often_it_was_encoded(text: str, times: int) -> None:
    script = f"#!{text}"
    data = script.encode()
    for _ in range(times):
        data = base64.b64encode(data)
    assert script_of(data.decode()) == script


@pytest.mark.parametrize("data", ["", "no script", "bm8gc2NyaXB0"])
def test_other_user_data_is_no_script(data: str) -> None:
    assert script_of(data) == ""
