import platform
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from covalent._cli.main import cli
from covalent._programmatic import commands
from covalent._shared_files.config import get_config, set_config
from covalent._shared_files.defaults import secrets_path
from covalent._version import __version__


def run(*args: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(args), input=answer)


def test_without_a_command_it_lists_the_commands() -> None:
    result = run()
    assert result.exit_code == 0
    for command in (
        "start",
        "stop",
        "restart",
        "status",
        "logs",
        "compile",
        "config",
        "cluster",
        "db",
        "purge",
    ):
        assert f"\n  {command} " in result.output
    assert "..." not in result.output.partition("Commands:")[2]  # no help was cut


@pytest.mark.parametrize("flag", ["-v", "--version"])
def test_version(flag: str) -> None:
    output = run(flag).output
    for text in (__version__, platform.python_version(), platform.platform(), "Apache-2.0"):
        assert text in output


def test_an_unknown_command_is_refused() -> None:
    assert run("frobnicate").exit_code == 2


@pytest.mark.usefixtures("own_config")
def test_config_hides_the_token() -> None:
    set_config({"dispatcher.token": "very-secret-indeed"})
    output = run("config").output
    assert "very-secret-indeed" not in output
    assert "********" in output
    assert str(get_config("dispatcher.port")) in output


def test_config_writes_the_file_if_there_is_none(own_config: Path) -> None:
    path = own_config / "config" / "covalent.conf"
    path.unlink()
    output = run("config").output
    assert str(path) in output.replace("\n", "")
    assert "num_workers" in output
    assert path.exists()


@pytest.mark.usefixtures("own_config")
def test_logs_before_the_first_start() -> None:
    assert "not found" in run("logs").output


@pytest.mark.usefixtures("own_config")
def test_logs_prints_the_log() -> None:
    path = commands.place().log_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one\ntwo\n")
    assert run("logs").output == "one\ntwo\n"


@pytest.mark.usefixtures("own_config")
def test_logs_follow_shows_what_comes_until_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    path = commands.place().log_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one\n")
    turns = iter(["two\n"])

    def write_then_interrupt(_seconds: float) -> None:
        line = next(turns, None)
        if line is None:
            raise KeyboardInterrupt
        with path.open("a") as log:
            log.write(line)

    monkeypatch.setattr(time, "sleep", write_then_interrupt)
    result = run("logs", "--follow")
    assert (result.exit_code, result.output) == (0, "one\ntwo\n\n")


def _fill(root: Path) -> None:
    for name in ("data/record", "cache/thing", "log/covalent_server.log", "log/foreign.log"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def test_purge_leaves_results_and_what_is_not_ours(own_config: Path) -> None:
    _fill(own_config)
    assert run("purge", "-y").exit_code == 0
    left = {str(p.relative_to(own_config)) for p in own_config.rglob("*") if p.is_file()}
    assert "data/record" in left
    assert "log/foreign.log" in left
    assert not left & {"cache/thing", "log/covalent_server.log"}
    assert not any(name.startswith("config/") for name in left)


def test_a_hard_purge_takes_the_results_too(own_config: Path) -> None:
    _fill(own_config)
    assert run("purge", "-H", "-y").exit_code == 0
    assert not (own_config / "data").exists()


def test_purge_takes_the_secrets_of_file_transfers(own_config: Path) -> None:
    secrets_path().mkdir(parents=True)
    (secrets_path() / "azure-1").write_text("hidden")
    assert run("purge", "-y").exit_code == 0
    assert not secrets_path().exists()


def test_purge_asks_first(own_config: Path) -> None:
    _fill(own_config)
    assert run("purge", answer="n\n").exit_code == 1
    assert (own_config / "cache" / "thing").exists()


def test_purge_refuses_a_directory_that_holds_home(
    own_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(own_config)
    monkeypatch.setenv("HOME", str(own_config / "data" / "me"))
    result = run("purge", "-H", "-y")
    assert result.exit_code == 1
    assert "home" in result.output
    assert (own_config / "cache" / "thing").exists()


def test_a_broken_config_file_is_named_without_a_traceback(own_config: Path) -> None:
    broken = own_config / "config" / "covalent.conf"
    broken.write_text("this is = not = toml")
    result = run("status")
    assert result.exit_code == 1
    assert str(broken) in result.output.replace("\n", "")
    broken.unlink()
