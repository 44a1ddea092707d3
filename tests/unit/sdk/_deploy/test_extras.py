"""What is built for executors that are turned on."""

import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.unit.sdk._deploy.conftest import ARCHITECTURE, OWN, isolated

from covalent._deploy import artifacts
from covalent._deploy.artifacts import EXTRAS, Target

VENDORS = (
    "asyncssh",
    "azure.batch",
    "azure.identity",
    "google.cloud.batch_v1",
    "google.cloud.functions_v2",
    "google.cloud.tasks_v2",
)


def names(*extras: str) -> set[str]:
    found = artifacts.targets(["3.11", "3.12"], ["arm64"], extras)
    return {target.name for target in found if target.kind in EXTRAS}


def test_nothing_is_built_unless_asked_for() -> None:
    assert names() == set()


def test_the_bridge_is_of_the_functions_architecture() -> None:
    assert names("bridge") == {"bridge-arm64.zip"}


def test_machines_have_an_architecture_of_their_own() -> None:
    pairs = [(python, kind) for python in ("311", "312") for kind in ("x86_64", "arm64")]
    assert names("job") == {f"job-py{python}-{kind}.zip" for python, kind in pairs}


def test_hybrid_jobs_fetch_one_archive_for_all() -> None:
    assert names("braket") == {"braket.tar.gz"}


def test_it_is_the_runner_at_the_top(tmp_path: Path) -> None:
    target = Target("braket", "3.13", "x86_64")
    artifacts.make(target, tmp_path)
    with tarfile.open(tmp_path / target.name) as opened:
        found = opened.getnames()
    assert {"covalent_runner/__main__.py", "cloudpickle/__init__.py"} <= {*found}
    assert not [name for name in found if name.startswith(("boto", "/", "."))]


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bridge, unpacked as Lambda does, but for the Python of these tests."""
    target = Target("bridge", OWN, ARCHITECTURE)
    folder = tmp_path_factory.mktemp("bridge")
    artifacts.make(target, folder)
    with zipfile.ZipFile(folder / target.name) as opened:
        opened.extractall(folder / "task")
    return folder / "task"


def test_the_bridge_has_the_vendors_packages(bridge: Path) -> None:
    load = f"import importlib, json; [importlib.import_module(each) for each in {VENDORS}]"
    loaded = json.loads(isolated(f"{load}; print(json.dumps(sorted(sys.modules)))", bridge))
    assert {*VENDORS} <= {*loaded}


def test_the_bridge_starts_without_them(bridge: Path, runtime: Path) -> None:
    code = "import json, covalent_bridge.handler; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(isolated(code, bridge, runtime))
    assert not {"asyncssh", "azure", "grpc", "covalent"} & {*loaded}


def test_the_bridge_ships_a_runner(bridge: Path, runtime: Path, tmp_path: Path) -> None:
    code = "from covalent_bridge.program import program; sys.stdout.buffer.write(program())"
    (tmp_path / "program.pyz").write_bytes(isolated(code, bridge, runtime))
    with zipfile.ZipFile(tmp_path / "program.pyz") as opened:
        assert "covalent_runner/remote/main.py" in opened.namelist()


def test_lambda_has_its_own_boto3(bridge: Path) -> None:
    assert not (bridge / "boto3").exists()
    assert not (bridge / "botocore").exists()


def test_a_machine_that_has_nothing_finds_runner_and_sdk(tmp_path: Path) -> None:
    target = Target("job", OWN, ARCHITECTURE)
    artifacts.make(target, tmp_path)
    with zipfile.ZipFile(tmp_path / target.name) as opened:
        opened.extractall(tmp_path / "machine")
    isolated("import boto3, covalent, covalent_runner.__main__", tmp_path / "machine")
