"""What is said of a package that is not there, and of one that is there and cannot be imported."""

from pathlib import Path

import pytest

from covalent._quantum.missing import needed
from covalent._shared_files.exceptions import MissingExtra


def test_a_module_that_is_there() -> None:
    assert needed("json.decoder").JSONDecoder


@pytest.mark.parametrize("module", ["absent_package", "absent_package.inner", "json.absent"])
def test_what_to_install(module: str) -> None:
    package = module.partition(".")[0]
    told = rf"^MyExecutor needs {package}: pip install 'covalent-serverless\[qiskit\]'$"
    with pytest.raises(MissingExtra, match=told):
        needed(module, "qiskit", "MyExecutor")


def test_what_a_package_itself_misses_is_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import absent_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="absent_dependency") as caught:
        needed("half_installed")
    assert not isinstance(caught.value, MissingExtra)
