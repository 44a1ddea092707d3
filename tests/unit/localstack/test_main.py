import json
import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from covalent_localstack import worker
from covalent_localstack.__main__ import _limit, _log, _parser, remove_state, write_state


def stack() -> Any:
    return cast("Any", SimpleNamespace(port=48008, address="http://127.0.0.1:48008"))


def test_the_state_tells_where_the_server_is_and_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "state.json"
    write_state(path, stack())
    state = json.loads(path.read_text())
    assert (state["pid"], state["port"]) == (os.getpid(), 48008)
    assert list(path.parent.iterdir()) == [path]
    remove_state(path)
    assert not path.exists()


@pytest.mark.parametrize("content", ['{"pid": 0}', "[]", "{", ""])
def test_the_state_of_a_later_server_stays(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    remove_state(path)
    assert path.read_text() == content


def test_no_state_is_nothing_to_remove(tmp_path: Path) -> None:
    remove_state(tmp_path / "state.json")


def test_limits_go_where_workers_find_them(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"OMP_NUM_THREADS": "7"}
    monkeypatch.setattr(os, "environ", environment)
    needed = ["serve", "--data-dir", ".", "--state-file", "."]
    _limit(_parser().parse_args(needed))
    assert environment == {"OMP_NUM_THREADS": "7"}
    _limit(_parser().parse_args([*needed, "--worker-memory", "9", "--worker-threads", "2"]))
    assert environment[worker.MEMORY] == "9"
    assert environment["OMP_NUM_THREADS"] == "7"  # the user's own
    assert environment["OPENBLAS_NUM_THREADS"] == "2"


def test_only_our_own_packages_log_the_finest(tmp_path: Path) -> None:
    names = ("", "covalent_localstack", "covalent_control_plane", "covalent_runner")
    loggers = [logging.getLogger(name) for name in (*names, "covalent_localstack.serve")]
    before = [logger.level for logger in loggers], logging.getLogger().handlers[:]
    try:
        logging.getLogger().handlers[:] = []
        _log(tmp_path / "server.log", "debug")
        logging.getLogger("covalent_localstack.x").debug("ours")
        logging.getLogger("botocore.auth").debug("Credential=token")
        logging.getLogger("botocore.auth").info("theirs")
    finally:
        logging.getLogger().handlers[:] = before[1]
        for logger, level in zip(loggers, before[0], strict=True):
            logger.setLevel(level)
    text = (tmp_path / "server.log").read_text()
    assert "ours" in text
    assert "theirs" in text
    assert "token" not in text
