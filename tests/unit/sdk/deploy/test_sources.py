from pathlib import Path

import pytest

from covalent._deploy import sources
from covalent_contracts.errors import NotFound

ROOT = Path(__file__).parents[4]


def test_a_checkout_is_found() -> None:
    assert sources.terraform() == ROOT / "infra" / "terraform"
    assert sources.image() == ROOT / "infra" / "image"
    assert sources.application() == ROOT / "control_plane" / "app.py"
    assert sources.package("covalent_runner") == ROOT / "executors" / "covalent_runner"


def test_an_installation_is_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_HERE", tmp_path)
    (tmp_path / "terraform").mkdir()
    assert sources.terraform() == tmp_path / "terraform"
    assert sources.image() == ROOT / "infra" / "image"


def test_what_is_missing_is_named_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_HERE", tmp_path)
    monkeypatch.setattr(sources, "_CHECKOUT", tmp_path)
    for find in (sources.terraform, sources.image, sources.application):
        with pytest.raises(NotFound, match=r"is missing: install covalent-serverless\[deploy\]"):
            find()
    with pytest.raises(NotFound, match=r"runner\.lock is missing"):
        sources.lock("runner")
    with pytest.raises(NotFound, match="covalent_nothing is not installed"):
        sources.package("covalent_nothing")
