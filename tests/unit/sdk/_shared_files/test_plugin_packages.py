import importlib
import sys
from pathlib import Path

import pytest

from covalent._shared_files import plugin_packages
from covalent.executor import AWSLambdaExecutor


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing of a package that an earlier test has imported."""
    for name in [each for each in sys.modules if each.startswith("covalent_awslambda_plugin")]:
        del sys.modules[name]


def test_a_script_finds_the_executor_where_its_package_had_it() -> None:
    module = importlib.import_module("covalent_awslambda_plugin.awslambda")
    assert module.AWSLambdaExecutor is AWSLambdaExecutor
    assert module.__name__ == "covalent_awslambda_plugin.awslambda"


def test_other_names_are_not_found() -> None:
    for name in ("covalent_unknown_plugin", "covalent_awslambda_plugin.unknown"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)


def test_a_package_that_is_installed_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "covalent_awslambda_plugin"
    package.mkdir()
    (package / "__init__.py").write_text("mine = True")
    monkeypatch.syspath_prepend(tmp_path)
    assert importlib.import_module("covalent_awslambda_plugin").mine


def test_it_is_installed_once() -> None:
    before = list(sys.meta_path)
    plugin_packages.install()
    assert sys.meta_path == before
