"""The control plane never unpickles: nothing it imports, and nothing it does."""

import ast
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.control_plane.conftest import CONTENT, EVENTS, Api, Dispatched, table

import covalent_control_plane
import covalent_executors
import covalent_step_functions
from covalent_contracts import records
from covalent_contracts.ids import digest_of
from covalent_control_plane import application, manifests, store

LOADERS = {"pickle", "_pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
PACKAGES = (covalent_control_plane, covalent_executors, covalent_step_functions)
MODULES = [path for each in PACKAGES for path in Path(each.__path__[0]).rglob("*.py")]

_watching: list[list[str]] = []


def _hook(event: str, _: tuple[Any, ...]) -> None:
    if event == "pickle.find_class" and _watching:
        _watching[-1].append(event)


sys.addaudithook(_hook)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every attempt to unpickle anything."""
    seen: list[str] = []

    def refuse(*_: object, **__: object) -> None:
        seen.append("load")
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    _watching.append(seen)
    yield seen
    _watching.pop()


def test_the_hook_sees_what_it_should() -> None:
    payload = pickle.dumps(Path)
    seen: list[str] = []
    _watching.append(seen)
    pickle.loads(payload)
    _watching.pop()
    assert seen == ["pickle.find_class"]


def test_a_dispatch_goes_through_without_unpickling(
    api: Api, dispatched: Dispatched, loads: list[str]
) -> None:
    import json

    identifier = dispatched()
    key = {"pk": records.dispatch_pk(identifier), "sk": records.node_sk(1)}
    value = {"digest": digest_of(CONTENT), "size": 3, "kind": "int", "output": pickle.dumps(Path)}
    table().put_item(Item=key | value | {"status": "COMPLETED", "started": 5, "ended": 9})
    manifests._kept.clear()
    path = f"/api/v1/dispatches/{identifier}"
    assert api.post(f"{path}/nodes", {}).status == 200
    assert api.post(f"{path}/assets", {"digests": [digest_of(CONTENT)]}).status == 200
    assert api.get(path).status == api.get(f"{path}/manifest").status == 200
    event = json.loads((EVENTS / "eventbridge" / "finish.json").read_text())
    item = store.find(identifier)
    assert item is not None
    arn = f"arn:aws:states:eu-west-1:123456789012:stateMachine:{item.machine}"
    event["detail"] |= {"name": identifier, "status": "FAILED", "stateMachineArn": arn}
    assert application.finish(event, None)["status"] == "FAILED"
    assert loads == []


def test_the_application_loads_no_pickler_of_ours() -> None:
    code = "import sys, covalent_control_plane.application; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert not loaded & {"cloudpickle", "dill", "joblib", "covalent_contracts.pickling"}
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & {"covalent", "covalent_runner", "networkx", "moto", "boto3", "aws_xray_sdk"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_module_imports_a_loader(module: Path) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}.{alias.name}" for alias in node.names} | {
                node.module or ""
            }
    assert not {name for name in imported if name.partition(".")[0] in LOADERS}
    assert not {name for name in imported if name.startswith("covalent_contracts.pickling")}
