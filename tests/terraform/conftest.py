"""Tests of infra/terraform. They need `terraform` and minutes, so only `pytest -m terraform` runs them."""

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.terraform import cycle
from tests.terraform.cycle import Cycle, Terraform

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SOURCE = ROOT / "infra" / "terraform"
SCANNERS = ROOT / ".venv-scanners"
EXAMPLES = ("minimal", "complete")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("terraform")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of infra/terraform, with the root initialised."""
    copy = cycle.copied(SOURCE, tmp_path_factory.mktemp("terraform"))
    Terraform(copy)("init", "-no-color", "-backend=false")
    return copy


@pytest.fixture(scope="session")
def cycles(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Cycle]:
    """Each example from apply to destroy, at the same time, because the provider mostly waits."""
    copies = [cycle.copied(SOURCE, tmp_path_factory.mktemp(name)) for name in EXAMPLES]
    folders = [copy / "examples" / name for copy, name in zip(copies, EXAMPLES, strict=True)]
    with ThreadPoolExecutor(len(EXAMPLES)) as pool:
        return dict(zip(EXAMPLES, pool.map(cycle.run, folders), strict=True))


@pytest.fixture(scope="session")
def scanners() -> Path:
    """Where the programs of scanners.lock are, in an environment of their own."""
    lock = HERE / "scanners.lock"
    done = SCANNERS / "scanners.lock"
    if not done.exists() or done.read_text() != lock.read_text():
        uv = [sys.executable, "-m", "uv", "--quiet", "--no-config"]
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, SCANNERS], check=True)
        python = SCANNERS / "bin" / "python"
        subprocess.run(
            [*uv, "pip", "sync", "--require-hashes", "--python", python, lock], check=True
        )
        done.write_text(lock.read_text())
    return SCANNERS / "bin"
