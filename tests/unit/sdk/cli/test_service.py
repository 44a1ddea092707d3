import os
import signal
import socket
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from covalent._cli.main import cli
from covalent._programmatic import commands, dask_cluster, processes, server, watching
from covalent._programmatic.limits import Limits
from covalent._shared_files.config import get_config, set_config


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args))


def running() -> server.Server:
    found = server.find(commands.place())
    assert found is not None
    return found


@pytest.mark.usefixtures("stand_in")
def test_start_tells_the_address_and_writes_it_with_the_token_to_the_config_file() -> None:
    result = run("start")
    assert result.exit_code == 0, result.output
    assert f"Covalent server has started at http://127.0.0.1:{running().port}" in result.output
    assert get_config("dispatcher.address") == "127.0.0.1"
    assert get_config("dispatcher.port") == running().port
    assert len(get_config("dispatcher.token")) >= 32
    assert "in use" not in result.output


def test_the_config_file_with_the_token_is_private(stand_in: Path) -> None:
    run("start")
    mode = (stand_in / "config" / "covalent.conf").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_data_folder_is_private_from_the_beginning(stand_in: Path) -> None:
    run("start")
    assert stat.S_IMODE((stand_in / "data").stat().st_mode) == 0o700


@pytest.mark.usefixtures("stand_in")
def test_every_start_draws_a_new_token() -> None:
    tokens = set()
    for _ in range(2):
        run("start")
        tokens.add(get_config("dispatcher.token"))
        run("stop")
    assert len(tokens) == 2


@pytest.mark.usefixtures("stand_in")
def test_a_second_start_finds_the_first() -> None:
    run("start")
    before, token = running(), get_config("dispatcher.token")
    result = run("start", "-p", "50505")
    assert result.exit_code == 0
    assert f"already running at {before.url}" in result.output
    assert (running(), get_config("dispatcher.token")) == (before, token)


def test_a_start_with_another_config_file_learns_how_to_talk_to_the_running_server(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("start")
    port, token = running().port, get_config("dispatcher.token")
    data_dir = get_config("workflow_data.base_dir")
    assert stat.S_IMODE(commands.place().token_file.stat().st_mode) == 0o600
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(stand_in / "other"))
    set_config("workflow_data.base_dir", data_dir)
    result = run("start")
    assert result.exit_code == 0, result.output
    assert (get_config("dispatcher.port"), get_config("dispatcher.token")) == (port, token)
    run("stop")
    assert not commands.place().token_file.exists()


def test_a_server_whose_token_cannot_be_written_down_is_stopped_again(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stand_in / "file").touch()
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(stand_in / "file" / "below"))
    monkeypatch.setenv("COVALENT_SVC_PORT", "50507")
    result = run("start")
    assert result.exit_code == 1
    assert result.output.startswith("Error: The server cannot be started: ")
    assert str(stand_in / "file") in result.output
    assert not commands.is_covalent_running()


def test_a_data_folder_that_cannot_be_made_is_named(stand_in: Path) -> None:
    (stand_in / "file").touch()
    set_config("workflow_data.base_dir", str(stand_in / "file" / "data"))
    result = run("start")
    assert result.exit_code == 1
    assert result.output.startswith("Error: The server cannot be started: ")
    assert str(stand_in / "file") in result.output


@pytest.mark.usefixtures("stand_in")
def test_a_taken_port_is_left_alone_and_the_next_free_one_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = int(other.getsockname()[1])
        result = run("start", "-p", str(taken))
    assert result.exit_code == 0, result.output
    assert f"Port {taken} is in use, using {running().port} instead." in result.output
    assert get_config("dispatcher.port") == running().port != taken


@pytest.mark.usefixtures("stand_in")
def test_the_server_has_a_session_of_its_own_and_no_terminal() -> None:
    run("start")
    assert os.getsid(running().pid) == running().pid
    assert commands.place().log_file.read_text() == "the stand-in is ready\n"


@pytest.mark.usefixtures("stand_in")
def test_a_server_that_dies_at_start_shows_the_end_of_its_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STAND_IN_DIES", "1")
    result = run("start")
    assert result.exit_code == 1
    assert "exit code 1" in result.output
    assert "broken on purpose" in result.output
    assert not commands.is_covalent_running()


@pytest.mark.usefixtures("stand_in")
def test_an_interrupted_start_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    spawn = server._spawn

    sleep = time.sleep

    def interrupt(_seconds: float) -> None:
        monkeypatch.setattr(time, "sleep", sleep)
        raise KeyboardInterrupt

    def remember(*arguments: Any) -> Any:
        made.append(spawn(*arguments))
        return made[0]

    monkeypatch.setenv("STAND_IN_HANGS", "1")
    monkeypatch.setattr(server, "_spawn", remember)
    monkeypatch.setattr(time, "sleep", interrupt)
    assert run("start").exit_code == 1
    assert made[0].returncode is not None
    assert not commands.is_covalent_running()


@pytest.mark.usefixtures("stand_in")
def test_a_server_that_never_gets_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_HANGS", "1")
    monkeypatch.setattr(server, "START_SECONDS", 0)
    result = run("start")
    assert result.exit_code == 1
    assert "was not ready" in result.output


@pytest.mark.usefixtures("stand_in")
def test_a_missing_extra_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "find_spec", lambda _name: None)
    result = run("start")
    assert result.exit_code == 1
    assert "pip install 'covalent-serverless[local]'" in result.output


@pytest.mark.usefixtures("stand_in")
def test_flags_of_covalents_own_server_are_accepted() -> None:
    flags = "-d -m 1GB -t 2 --ignore-migrations --no-cluster --no-triggers -n 3"
    assert run("start", *flags.split()).exit_code == 0
    assert running().workers == 3
    assert running().limits == Limits(memory=2**30, threads=2)


@pytest.mark.usefixtures("stand_in")
def test_the_workers_are_those_of_the_config_file_unless_a_flag_says_otherwise() -> None:
    set_config({"dask.num_workers": 6, "dask.mem_per_worker": "512MiB"})
    run("start", "-t", "0")
    assert (running().workers, running().limits) == (6, Limits(memory=2**29))
    set_config({"dask.num_workers": 5, "dask.mem_per_worker": "auto"})
    run("restart")  # as they were
    assert (running().workers, running().limits) == (6, Limits(memory=2**29))
    words = " ".join(run("status").output.split())
    assert "6, 0.5 GB each" in words
    run("stop")
    run("start")
    assert (running().workers, running().limits) == (5, Limits(threads=1))


@pytest.mark.usefixtures("own_config")
@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("dask.num_workers", "many"),
        ("dask.mem_per_worker", "much"),
        ("dask.threads_per_worker", "few"),
        ("sdk.log_level", "loud"),
    ],
)
def test_a_bad_value_in_the_config_file_is_named(entry: str, value: str) -> None:
    set_config(entry, value)
    result = run("start")
    assert result.exit_code == 1
    assert value in result.output
    assert "covalent.conf" in result.output.replace("\n", "")


def test_a_flag_that_is_no_size_is_refused() -> None:
    result = run("start", "-m", "much")
    assert result.exit_code == 2
    assert "'much' is no size of memory" in result.output


@pytest.mark.usefixtures("stand_in")
def test_developer_mode_logs_everything() -> None:
    run("start", "-d")
    assert "--log-level debug" in processes.command_of(running().pid)
    set_config("sdk.log_level", "ERROR")
    run("restart")
    assert "--log-level error" in processes.command_of(running().pid)


def test_the_help_says_what_a_flag_does_here() -> None:
    words = " ".join(run("start", "--help").output.split())
    assert words.count("Accepted, no effect") == 1


@pytest.mark.usefixtures("stand_in")
def test_stop_ends_the_process_and_says_so() -> None:
    run("start")
    pid = running().pid
    assert run("stop").output == "Covalent server has stopped.\n"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not commands.is_covalent_running()


@pytest.mark.usefixtures("stand_in")
def test_stop_without_a_server() -> None:
    result = run("stop")
    assert (result.exit_code, result.output) == (0, "Covalent server was not running.\n")


@pytest.mark.usefixtures("stand_in")
def test_a_server_that_ignores_the_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_STUBBORN", "1")
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.1)
    run("start")
    pid = running().pid
    assert run("stop").output == "Covalent server has stopped.\n"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.usefixtures("stand_in")
def test_a_killed_server_counts_as_stopped_and_can_be_started_again() -> None:
    run("start")
    pid = running().pid
    os.kill(pid, signal.SIGKILL)
    processes.children.pop(pid).wait()
    assert not commands.is_covalent_running()
    assert "has started" in run("start").output
    assert running().pid != pid


@pytest.mark.usefixtures("own_config")
def test_another_program_with_the_recorded_process_id_is_left_alone() -> None:
    place = commands.place()
    place.data_dir.mkdir(parents=True)
    place.state_file.write_text(
        f'{{"pid": {os.getpid()}, "port": 1, "address": "127.0.0.1", "started": 0}}'
    )
    assert not commands.is_covalent_running()
    assert not server.ensure_stopped(place)


@pytest.mark.usefixtures("stand_in")
def test_restart_keeps_the_workers_and_takes_a_new_port() -> None:
    run("start", "-n", "7")
    before = running()
    result = run("restart", "-p", str(before.port + 1), "--with-cluster")
    assert result.exit_code == 0, result.output
    assert "has stopped" in result.output
    assert running().pid != before.pid
    assert running().port > before.port
    assert running().workers == 7


@pytest.mark.usefixtures("stand_in")
def test_restart_without_a_server_starts_one() -> None:
    result = run("restart")
    assert "was not running" in result.output
    assert "has started" in result.output


@pytest.mark.usefixtures("stand_in")
def test_status_of_a_running_server() -> None:
    run("start", "-n", "5")
    output = run("status").output
    for text in (running().url, str(running().pid), "Workers", "5", "Running dispatches", "1"):
        assert text in output


@pytest.mark.usefixtures("own_config")
def test_status_without_a_server() -> None:
    assert "Stopped" in run("status").output


@pytest.mark.usefixtures("stand_in")
def test_the_same_from_python(capsys: pytest.CaptureFixture[str]) -> None:
    commands.covalent_start()
    assert commands.is_covalent_running()
    commands.covalent_start(quiet=True)
    commands.covalent_stop()
    commands.covalent_stop()
    assert not commands.is_covalent_running()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Covalent server has started at")
    assert lines[1:] == [commands.STOPPED, commands.NOT_RUNNING]


@pytest.mark.usefixtures("stand_in")
def test_a_server_without_triggers_restarts_without_them() -> None:
    assert run("start", "--no-triggers").exit_code == 0
    assert not running().triggers
    assert run("restart").exit_code == 0
    assert not running().triggers


def test_triggers_only_excludes_no_triggers() -> None:
    result = run("start", "--no-triggers", "--triggers-only")
    assert result.exit_code == 2
    assert "exclude each other" in result.output


def test_watching_needs_watchdog(own_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "find_spec", lambda _name: None)
    result = run("start", "--triggers-only")
    assert result.exit_code == 1
    assert "pip install 'covalent-serverless[triggers]'" in result.output


def test_only_triggers_are_watched(own_config: Path) -> None:
    """No server is needed to watch: it asks again until there is one."""
    started = run("start", "--triggers-only")
    assert started.exit_code == 0, started.output
    found = watching.find()
    assert found is not None
    assert str(found.pid) in started.output
    assert run("start", "--triggers-only").output == started.output
    assert f"Watched by process {found.pid}" in run("status").output
    assert watching.STOPPED in run("stop").output
    assert watching.find() is None


@pytest.mark.usefixtures("stand_in")
def test_without_distributed_the_server_starts_alone_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COVALENT_DISABLE_DASK")
    monkeypatch.setattr(dask_cluster, "is_installed", lambda: False)
    result = run("start")
    assert result.exit_code == 0
    assert result.output.splitlines()[1:] == [dask_cluster.MISSING]
    assert "pip install 'covalent-serverless[dask]'" in dask_cluster.MISSING
    assert dask_cluster.find(commands.place()) is None
    run("stop")
    assert len(run("start", "--no-cluster").output.splitlines()) == 1
