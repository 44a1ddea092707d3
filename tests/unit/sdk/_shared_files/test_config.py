"""The configuration file: precedence, atomic private writes, other processes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent._shared_files import toml
from covalent._shared_files.config import get_config, reload_config, set_config
from covalent._shared_files.defaults import config_path
from covalent._shared_files.exceptions import InvalidConfig

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [each for each in os.environ if each.startswith(("COVALENT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path / "conf"))
    return tmp_path / "conf" / "covalent.conf"


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path) -> None:
    assert config_path() == file
    monkeypatch.delenv("COVALENT_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_DIR", str(tmp_path))
    assert config_path() == tmp_path / "covalent.conf"
    monkeypatch.delenv("XDG_CONFIG_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_path() == tmp_path / ".config" / "covalent" / "covalent.conf"


def test_reading_writes_nothing(file: Path) -> None:
    assert get_config("dispatcher.port") == 48008
    assert get_config()["sdk"]["config_file"] == str(file)
    assert not file.parent.exists()


def test_the_three_ways_to_ask(file: Path) -> None:
    assert get_config("dispatcher.address") == "localhost"
    assert get_config(["dispatcher.address", "dispatcher.port"]) == {
        "dispatcher.address": "localhost",
        "dispatcher.port": 48008,
    }
    assert set(get_config()) == {
        "sdk", "dispatcher", "dask", "workflow_data", "user_interface", "executors",
        "qelectron",
    }  # fmt: skip
    for missing in ("taste", "dispatcher.taste", "dispatcher.port.taste"):
        with pytest.raises(KeyError):
            get_config(missing)


def test_what_is_set_is_in_the_file_and_private(file: Path) -> None:
    set_config("dispatcher.port", 1234)
    set_config({"executors.ssh.username": "me", "dispatcher.token": "secret"})
    written = tomllib.loads(file.read_text())
    assert written["dispatcher"]["port"] == get_config("dispatcher.port") == 1234
    assert written["executors"]["ssh"] == {"username": "me"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {each.name for each in file.parent.iterdir()} == {
        "covalent.conf", ".covalent.conf.lock",
    }  # fmt: skip


def test_file_wins_over_environment_wins_over_default(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVALENT_SVC_PORT", "5")
    reload_config()
    assert get_config("dispatcher.port") == 5
    set_config("sdk.log_level", "debug")  # writes the file, port included
    monkeypatch.setenv("COVALENT_SVC_PORT", "6")
    reload_config()
    assert get_config("dispatcher.port") == 5


def test_files_that_exist_already_are_kept(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(
        '[dask]\nnum_workers = 8\n[dispatcher]\nport = 7\n[executors.ssh]\nhost = "h"\n'
    )
    assert get_config("dispatcher.port") == 7
    assert get_config("dispatcher.address") == "localhost"
    set_config("executors.ssh.host", "other")
    assert tomllib.loads(file.read_text()) == {
        "dask": {"num_workers": 8},
        "dispatcher": {"port": 7},
        "executors": {"ssh": {"host": "other"}},
    }


PAGE = {
    "sdk": "config_file log_dir log_level enable_logging executor_dir no_cluster exhaustive_postprocess "
    "dispatch_cache_dir task_packing results_dir",
    "dispatcher": "address port cache_dir results_dir log_dir db_path heartbeat_interval heartbeat_file "
    "use_async_dispatcher asset_cache_size",
    "dask": "cache_dir log_dir mem_per_worker threads_per_worker num_workers",
    "workflow_data": "db_path storage_type base_dir",
    "user_interface": "address port dev_port log_dir dispatch_db",
    "executors": "local dask",
    "executors.local": "log_stdout log_stderr cache_dir",
    "executors.dask": "log_stdout log_stderr cache_dir",
}


@pytest.mark.parametrize("section", PAGE)
def test_every_documented_key_is_there(file: Path, section: str) -> None:
    assert set(PAGE[section].split()) <= set(get_config(section))


@pytest.mark.parametrize(
    ("variable", "value", "entry"),
    [
        ("COVALENT_DISPATCHER_ADDR", "host", "dispatcher.address"),
        ("COVALENT_DISPATCHER_ADDR", "host", "user_interface.address"),
        ("COVALENT_SVC_PORT", "7", "dispatcher.port"),
        ("COVALENT_SVC_PORT", "7", "user_interface.port"),
        ("COVALENT_DATA_DIR", "/d", "workflow_data.base_dir"),
        ("COVALENT_RESULTS_DIR", "/r", "sdk.results_dir"),
        ("COVALENT_RESULTS_DIR", "/r", "dispatcher.results_dir"),
        ("COVALENT_CACHE_DIR", "/c", "dispatcher.cache_dir"),
        ("COVALENT_CACHE_DIR", "/c", "executors.local.cache_dir"),
        ("COVALENT_LOGDIR", "/l", "sdk.log_dir"),
        ("LOGLEVEL", "DEBUG", "sdk.log_level"),
        ("COVALENT_LOG_TO_FILE", "TRUE", "sdk.enable_logging"),
        ("COVALENT_EXECUTOR_DIR", "/e", "sdk.executor_dir"),
        ("COVALENT_DISPATCH_CACHE_DIR", "/dc", "sdk.dispatch_cache_dir"),
        ("COVALENT_DATABASE", "/db", "dispatcher.db_path"),
        ("COVALENT_HEARTBEAT_INTERVAL", "9", "dispatcher.heartbeat_interval"),
        ("COVALENT_HEARTBEAT_FILE", "/h", "dispatcher.heartbeat_file"),
        ("COVALENT_ASSET_CACHE_SIZE", "9", "dispatcher.asset_cache_size"),
        ("COVALENT_USE_ASYNC_DISPATCHER", "FALSE", "dispatcher.use_async_dispatcher"),
        ("COVALENT_ENABLE_TASK_PACKING", "1", "sdk.task_packing"),
        ("XDG_CACHE_HOME", "/x", "dispatcher.cache_dir"),
        ("XDG_DATA_HOME", "/x", "workflow_data.base_dir"),
    ],
)
def test_an_environment_variable_seeds_its_entry_until_the_file_says_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, entry: str
) -> None:
    monkeypatch.setenv(variable, value)
    found = str(get_config(entry))
    assert found.startswith("true" if entry == "sdk.task_packing" else value.lower())
    set_config("sdk.taste", "written")  # and with it the whole file
    monkeypatch.delenv(variable)
    assert str(get_config(entry)) == found


def test_answers_are_copies(file: Path) -> None:
    get_config()["dispatcher"]["port"] = 1
    get_config("executors")["x"] = 1
    assert get_config("dispatcher.port") == 48008
    assert set(get_config("executors")) == {"local", "dask"}


def test_changes_of_others_are_seen(file: Path) -> None:
    set_config("dispatcher.port", 1)
    file.write_text("[dispatcher]\nport = 22222\n")
    assert get_config("dispatcher.port") == 22222


def test_a_broken_file_is_named(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("port: 1\n")
    for ask in (get_config, lambda: set_config("a.b", 1)):
        with pytest.raises(InvalidConfig, match=r"covalent\.conf"):
            ask()
    assert file.read_text() == "port: 1\n"


def test_what_cannot_be_written_leaves_the_file_as_it_was(file: Path) -> None:
    set_config("a.b", 1)
    before = file.read_bytes()
    with pytest.raises(TypeError, match="cannot hold"):
        set_config("a.c", object())
    with pytest.raises(KeyError, match="not a section"):
        set_config("a.b.c", 1)
    assert file.read_bytes() == before
    assert len(list(file.parent.iterdir())) == 2


def test_writers_do_not_lose_each_others_values(file: Path) -> None:
    code = (
        "import sys; from covalent import set_config\n"
        "for i in range(10): set_config(f'race.p{sys.argv[1]}_{i}', i)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(n)]) for n in range(4)]
    assert [each.wait(60) for each in writers] == [0] * 4
    assert len(get_config("race")) == 40


_scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
_tables = st.recursive(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), _scalars | st.lists(_scalars)
    ),
    lambda inner: st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=6,
)


@given(_tables)
def test_toml_there_and_back(document: dict[str, Any]) -> None:
    assert tomllib.loads(toml.dumps(document)) == document


def test_toml_keeps_tables_in_lists_and_drops_none() -> None:
    document: dict[str, Any] = {"a": [{"b": 1}], "n": None, "t": {"u": {}}}
    assert tomllib.loads(toml.dumps(document)) == {"a": [{"b": 1}], "t": {"u": {}}}
