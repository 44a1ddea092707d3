import re
import sys
from pathlib import Path

import pytest
from benchmarks import versus_install
from benchmarks.versus_install import CannotInstall, Environment


def test_the_lock_holds_what_was_asked_for() -> None:
    locked = versus_install.without_hashes(versus_install.PEER_LOCK.read_text()).splitlines()
    assert set(versus_install.pins()) <= set(locked)


def test_constraints_have_no_hashes() -> None:
    lock = "a==1 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\nb==2 ; os_name == 'nt' \\\n    --hash=x\n"
    assert versus_install.without_hashes(lock) == "a==1\nb==2 ; os_name == 'nt'"


def test_our_lock_becomes_pins_only() -> None:
    for line in versus_install.without_hashes(versus_install.OUR_LOCK.read_text()).splitlines():
        assert re.match(r"[a-z0-9.\-]+(\[[a-z0-9,\-]+\])?==[^\s]+( ; .+)?$", line)


def test_size_and_distributions_are_those_of_site_packages(tmp_path: Path) -> None:
    packages = Environment(tmp_path).packages
    (packages / "a-1.dist-info").mkdir(parents=True)
    (packages / "b-1.dist-info").mkdir()
    (packages / "a.py").write_bytes(b"x" * 100)
    (packages / "b-1.dist-info" / "METADATA").write_bytes(b"x" * 20)
    (tmp_path / "elsewhere").write_bytes(b"x")
    assert (Environment(tmp_path).size, Environment(tmp_path).distributions) == (120, 2)


def test_a_complete_environment_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(versus_install, "_make", lambda each, *_: each.folder.mkdir())
    first = versus_install.peer(tmp_path)
    monkeypatch.setattr(versus_install, "_make", lambda each, *_: made.append(each.folder))
    assert versus_install.peer(tmp_path) == first
    assert not made


def test_an_incomplete_environment_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(environment: Environment, *_: object) -> None:
        environment.folder.mkdir()
        raise CannotInstall("no network")

    monkeypatch.setattr(versus_install, "_make", fail)
    for _ in range(2):
        with pytest.raises(CannotInstall, match="no network"):
            versus_install.peer(tmp_path)


def test_the_reason_is_one_line() -> None:
    script = "import sys; sys.exit('WARNING: slow\\nERROR: no network\\n\\nhint')"
    with pytest.raises(CannotInstall) as raised:
        versus_install._run(sys.executable, "-c", script, doing="install it")
    assert str(raised.value) == "could not install it: ERROR: no network"
