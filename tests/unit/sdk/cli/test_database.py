"""`covalent db` and `covalent cluster`: what they say, with a server and without one."""

import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner, Result

from covalent._cli.main import cli
from covalent._programmatic import commands, server
from covalent_contracts.layout import JOURNAL, LAYOUT


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args))


def stored(layout: int) -> None:
    folder = commands.place().data_dir
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / JOURNAL)) as database:
        database.execute("create table items (x)")
        database.execute(f"pragma user_version = {layout}")


@pytest.mark.usefixtures("own_config")
def test_migrate_before_anything_is_stored() -> None:
    result = run("db", "migrate")
    assert (result.exit_code, result.output) == (
        0,
        "Nothing is stored yet, so there is nothing to migrate.\n",
    )


@pytest.mark.usefixtures("own_config")
@pytest.mark.parametrize("layout", [0, LAYOUT])
def test_migrate_of_what_fits(layout: int) -> None:
    stored(layout)
    result = run("db", "migrate")
    assert result.exit_code == 0
    assert f"layout {LAYOUT}, that of this version: nothing to migrate" in result.output


@pytest.mark.usefixtures("own_config")
def test_migrate_of_what_a_newer_version_stored() -> None:
    stored(LAYOUT + 1)
    result = run("db", "migrate")
    assert result.exit_code == 1
    assert f"layout {LAYOUT + 1}, this Covalent knows {LAYOUT}: upgrade it" in result.output


def test_alembic_says_why_there_is_nothing_to_do() -> None:
    for arguments in ((), ("upgrade", "head"), ("--version",)):
        result = run("db", "alembic", *arguments)
        assert result.exit_code == 0
        assert "no SQL schema" in result.output
        assert result.output.count("\n") == 1


@pytest.mark.usefixtures("own_config")
@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--status",),
        ("--info",),
        ("--address",),
        ("--size",),
        ("--logs",),
        ("--restart",),
        ("--scale", "2"),
    ],
)
def test_cluster_says_one_line_without_a_server(flags: tuple[str, ...]) -> None:
    result = run("cluster", *flags)
    assert result.exit_code == 0
    assert result.output.startswith("There is no Dask cluster")
    assert result.output.count("\n") == 1


@pytest.mark.usefixtures("stand_in")
def test_cluster_of_a_server_without_one() -> None:
    run("start", "-n", "3")
    running = server.find(commands.place())
    assert running is not None
    for flag in ("--status", "--info", "--size", "--scale"):
        told = run("cluster", flag).output
        assert f"3 worker processes of the server at {running.url}" in told
        assert "covalent restart --with-cluster" in told
    assert run("cluster", "--scale", "0").exit_code == 2
