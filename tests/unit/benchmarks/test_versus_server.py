"""With a stand-in for the `covalent` command, which serves whatever it is asked and leaves a child behind."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from benchmarks.versus_install import Environment
from benchmarks.versus_server import Client, Failed, Server, Unfinished, answers, end_all

SERVE = """
import http.server, subprocess, sys
server = http.server.HTTPServer(("0.0.0.0", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
server.serve_forever()
"""
COVALENT = f"""#!{sys.executable}
import subprocess, sys
if sys.argv[1] == "start":
    subprocess.Popen([sys.executable, "-c", {SERVE!r}, sys.argv[3]], start_new_session=True)
"""


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    environment = Environment(tmp_path / "environment")
    environment.programs.mkdir(parents=True)
    command = environment.programs / "covalent"
    command.write_text(COVALENT)
    command.chmod(0o755)
    return environment


@pytest.fixture
def server(environment: Environment, tmp_path: Path) -> Iterator[Server]:
    server = Server(environment, tmp_path / "home")
    yield server
    server.end()


def listening(server: Server) -> list[tuple[str, int]]:
    return [
        (each.laddr.ip, each.laddr.port)
        for process in server.processes()
        for each in process.net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    ]


def test_a_server_is_found_with_its_children_and_nothing_of_it_stays(server: Server) -> None:
    assert server.processes() == []
    assert server.start() > 0
    found = server.processes()
    assert len(found) == 2
    assert server.memory() > 0
    server.end()
    assert not any(each.is_running() for each in found)


def test_what_binds_to_every_interface_is_kept_on_loopback(server: Server) -> None:
    server.start()
    ((address, port),) = listening(server)
    assert address == "127.0.0.1"
    assert answers(port)


def test_a_server_that_others_could_reach_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.versus_server.LOOPBACK", tmp_path / "nowhere")
    with pytest.raises(Failed, match=r"listens on 0\.0\.0\.0"):
        server.start()


def test_two_servers_are_told_apart(
    server: Server, environment: Environment, tmp_path: Path
) -> None:
    other = Server(environment, tmp_path / "other")
    server.start()
    other.start()
    mine, others = {each.pid for each in server.processes()}, other.processes()
    assert mine.isdisjoint(each.pid for each in others)
    other.end()
    assert {each.pid for each in server.processes()} == mine


def test_what_a_server_used_of_the_cpu_never_gets_less(server: Server) -> None:
    server.start()
    before = server.cpu()
    assert 0 < before <= server.cpu()


def client_of(script: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", script], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_a_client_answers() -> None:
    script = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
    with client_of(script) as process:
        assert Client(process).ask(30, n=7) == {"n": 7}
        assert process.stdin is not None
        process.stdin.close()


def test_a_client_that_does_not_answer_is_unfinished() -> None:
    with client_of("input(), input()") as process:
        with pytest.raises(Unfinished):
            Client(process).ask(0.05, do="wait")
        process.kill()


def test_a_client_that_ends_has_failed() -> None:
    with client_of("input()") as process, pytest.raises(Failed, match="wait"):
        Client(process).ask(30, do="wait")


def test_what_goes_wrong_in_a_client_is_told_in_a_line() -> None:
    script = "import json; input(); print(json.dumps({'error': 'ReadTimeout: slow\\n  server'}))"
    with client_of(script) as process, pytest.raises(Failed, match=r"^ReadTimeout: slow server$"):
        Client(process).ask(30, do="wait")


def test_what_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.versus_server.END_SECONDS", 0.1)
    script = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); input()"
    with client_of(script) as process:
        assert process.stdout is not None
        process.stdout.readline()
        end_all([psutil.Process(process.pid)])
        assert not psutil.pid_exists(process.pid)


def test_nobody_answers_at_a_closed_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening
        assert not answers(taken.getsockname()[1])
