"""The contents page is complete, and reading it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import covalent
import covalent.executor

HEAVY = {"networkx", "httpx", "pydantic", "boto3", "botocore", "cloudpickle", "rich", "click"}

DECORATING = """
import covalent as ct
@ct.electron(executor="local", deps_pip=["numpy"], deps_bash="ls", call_before=[ct.DepsCall(print)])
def task(a): return a
@ct.lattice(executor=ct.executor.LocalExecutor())
def workflow(a): return task(a)
assert workflow(3) == 3
"""


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running the code."""
    report = f"{code}\nimport sys; print(*{{m.partition('.')[0] for m in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    ["import covalent", "import covalent; covalent.status; covalent.get_config()", DECORATING],
    ids=["import", "config", "decorating"],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert not loaded_by(code) & HEAVY


def test_handing_in_an_executor_loads_no_quantum_one() -> None:
    code = (
        "from covalent.executor import LocalExecutor\n"
        "from covalent.executor.settings import is_own\n"
        "assert not is_own(LocalExecutor())\n"
        "import sys\n"
        "assert not [name for name in sys.modules if '._quantum' in name]"
    )
    loaded_by(code)


def test_the_contracts_context_needs_no_covalent() -> None:
    assert "covalent" not in loaded_by("import covalent_contracts.context")


def test_the_public_page_is_complete() -> None:
    tables = {*covalent._HOMES, *covalent._SUBMODULES, "__version__"}
    assert set(covalent.__all__) == tables
    assert list(covalent.__all__) == sorted(covalent.__all__, key=str.casefold)
    own = {
        name
        for name, value in vars(covalent).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert own <= {*covalent.__all__, "TYPE_CHECKING"}
    assert set(covalent.__all__) <= set(dir(covalent))


@pytest.mark.parametrize("name", covalent.__all__)
def test_every_name_loads(name: str) -> None:
    assert getattr(covalent, name) is not None


@pytest.mark.parametrize("name", covalent.executor.__all__)
def test_every_executor_loads(name: str) -> None:
    assert getattr(covalent.executor, name).__name__ == name
    assert name in dir(covalent.executor)


@pytest.mark.parametrize("module", [covalent, covalent.executor])
def test_unknown_names_are_attribute_errors(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


def test_an_executor_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(AttributeError, match=r"this version has .*LocalExecutor"):
        _ = covalent.executor.NoSuchExecutor


def test_status_names_equal_strings() -> None:
    assert covalent.status.COMPLETED == "COMPLETED"
    assert not covalent.status.NEW_OBJECT


def test_transportable_object_is_one_class() -> None:
    from covalent._workflow.transport import TransportableObject

    assert TransportableObject is covalent.TransportableObject
