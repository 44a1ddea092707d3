"""Where Covalent's messages go, as the configuration says."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from covalent._shared_files import logger
from covalent._shared_files.config import set_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path / "config"))
    set_config("sdk.log_dir", str(tmp_path / "logs"))
    yield
    monkeypatch.undo()
    logger.configured()


def test_to_stderr_unless_asked_otherwise(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    logger.configured()
    logger.app_log.warning("seen")
    logger.app_log.info("not seen")
    told = capsys.readouterr().err
    assert "[WARNING] test_logger.py" in told
    assert "not seen" not in told
    assert not (tmp_path / "logs").exists()


def test_to_a_file_if_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    set_config({"sdk.enable_logging": "true", "sdk.log_level": "info"})
    logger.configured()
    logger.app_log.info("seen")
    assert (tmp_path / "logs" / "covalent.log").read_text().endswith(" seen\n")
    assert capsys.readouterr().err == ""


def test_a_level_that_is_none_is_that_of_warnings() -> None:
    set_config("sdk.log_level", "loud")
    assert logger.configured().level == logging.WARNING
