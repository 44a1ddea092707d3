"""compose.yaml, for those with Docker; there is none here to ask."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from covalent_localstack.host import install
from covalent_localstack.host.process import Instance, variables

FOLDER = Path(__file__).parents[4] / "localstack"
COMPOSE = FOLDER / "compose.yaml"
CHECK = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    document = YAML(typ="safe").load(COMPOSE.read_text())
    found: dict[str, Any] = document["services"]["localstack"]
    return found


def test_it_is_as_the_compose_specification_has_it(tmp_path: Path) -> None:
    subprocess.run([*CHECK, COMPOSE], check=True)
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text().replace("ports:", "port:"))
    assert subprocess.run([*CHECK, wrong], check=False, stdout=subprocess.DEVNULL).returncode == 1


def test_the_image_is_of_the_version_that_runs_without_docker(service: dict[str, Any]) -> None:
    name, _, tag = service["image"].partition(":")
    assert name == "localstack/localstack"
    lock = (FOLDER / "requirements.lock").read_text().splitlines()
    assert f"localstack-core[runtime]=={tag} \\" in lock or f"localstack-core=={tag} \\" in lock


def test_only_this_machine_reaches_it(service: dict[str, Any]) -> None:
    assert service["ports"] == ["127.0.0.1:${LOCALSTACK_PORT:-4566}:4566"]


def test_it_is_told_what_it_is_told_without_docker(service: dict[str, Any], tmp_path: Path) -> None:
    """But for what makes functions processes."""
    told = variables(Instance(tmp_path, 4566, tmp_path, tmp_path / "log"))
    ours = {name: value for name, value in service["environment"].items() if name in told}
    assert ours == {name: told[name] for name in ours}
    assert {"PROVIDER_OVERRIDE_DYNAMODB", "DISABLE_EVENTS"} <= ours.keys()


def test_the_plugin_is_where_it_is_looked_for(service: dict[str, Any], tmp_path: Path) -> None:
    install.write_plugin(tmp_path)
    assert (tmp_path / "covalent_localstack" / "community" / "executor.py").exists()
    mounted = {volume.split(":")[1] for volume in service["volumes"]}
    assert service["environment"]["PYTHONPATH"] in mounted
