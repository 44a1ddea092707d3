"""Where LocalStack is installed, and how the plugin gets there."""

import re
import subprocess
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from covalent_contracts.errors import Unavailable
from covalent_localstack.host import install, pythons


def test_the_plugin_is_a_distribution_whose_entry_points_exist(tmp_path: Path) -> None:
    install.write_plugin(tmp_path)
    (info,) = tmp_path.glob("*.dist-info")
    points = PathDistribution(info).entry_points
    assert {point.group for point in points} == {
        "localstack.lambda.runtime_executor",
        "localstack.hooks.on_infra_start",
        "localstack.aws.provider",
    }
    assert len({point.name for point in points}) == len(points)
    for point in points:
        source = tmp_path / f"{point.module.replace('.', '/')}.py"
        assert f" {point.attr}(" in source.read_text()


def test_the_plugin_replaces_an_older_one(tmp_path: Path) -> None:
    install.write_plugin(tmp_path)
    package = tmp_path / "covalent_localstack"
    old = [package / "community" / "old.py", package / "older.py"]
    for each in old:
        each.touch()
    install.write_plugin(tmp_path)
    assert not any(each.exists() for each in old)


def test_all_that_the_plugin_imports_of_ours_goes_along(tmp_path: Path) -> None:
    install.write_plugin(tmp_path)
    for source in tmp_path.rglob("*.py"):
        for name in re.findall(
            r"^ *(?:from|import) (covalent_[\w.]+)", source.read_text(), re.MULTILINE
        ):
            path = tmp_path / name.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").exists(), f"{source.name} needs {name}"


def test_what_needs_the_standard_library_only_is_importable_alone(tmp_path: Path) -> None:
    install.write_plugin(tmp_path)
    names = ("runtime_api", "worker", "pool", "runtimes", "signatures")
    code = "".join(f"import covalent_localstack.community.{name};" for name in names)
    code += "import covalent_localstack.programs"  # with what it needs of the runner
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True, timeout=60)


def test_a_machine_without_python_313_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pythons, "find", lambda _version: None)
    with pytest.raises(Unavailable, match=r"uv python install 3\.13"):
        install.install(tmp_path / "environment", print)
    assert not install.is_installed(tmp_path / "environment")


def test_another_lock_file_makes_it_install_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ready").write_text(install._fingerprint())
    assert install.is_installed(tmp_path)
    changed = tmp_path / "changed.lock"
    changed.write_text("moto==1\n")
    monkeypatch.setattr(install, "_lock", lambda _name: changed)
    assert not install.is_installed(tmp_path)


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(install.ENVIRONMENT, raising=False)
    assert install.environment().name == ".venv-localstack"
    monkeypatch.setenv(install.ENVIRONMENT, str(tmp_path))
    assert install.environment() == tmp_path
