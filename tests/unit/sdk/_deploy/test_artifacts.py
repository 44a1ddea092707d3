import importlib.util
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.sdk._deploy.conftest import ARCHITECTURE, OWN, PYTHONS, Unzipped, isolated

from covalent._deploy import archive, artifacts, contents, sources
from covalent._deploy.artifacts import Target
from covalent._version import __version__
from covalent_contracts.errors import LimitExceeded

HEALTH = {
    "resource": "/v1/health",
    "path": "/v1/health",
    "httpMethod": "GET",
    "headers": {},
    "body": None,
    "isBase64Encoded": False,
    "pathParameters": None,
    "multiValueQueryStringParameters": None,
    "stageVariables": None,
    "requestContext": {"stage": "api", "resourcePath": "/v1/health", "httpMethod": "GET"},
}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_XRAY_CONTEXT_MISSING": "IGNORE_ERROR",
    "LAMBDA_TASK_ROOT": "/var/task",
    "COVALENT_TABLE": "covalent",
    "COVALENT_BUCKET": "covalent-data",
    "COVALENT_RUNNERS": '{"3.11": "covalent-runner-py311"}',
    "COVALENT_MACHINE_ROLE": "arn:aws:iam::123456789012:role/covalent-machine",
}


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as opened:
        return opened.namelist()


def tops(path: Path) -> set[str]:
    return {name.split("/")[0] for name in names(path)}


def test_every_python_and_architecture_has_its_zip(zips: Path) -> None:
    manifest = json.loads((zips / "manifest.json").read_text())
    of_each_python = {
        f"{kind}-py3{n}-{a}.zip"
        for kind in ("runner", "builder")
        for n in (11, 12, 13)
        for a in ("x86_64", "arm64")
    }
    assert {*manifest} == of_each_python | {"control-plane-x86_64.zip", "control-plane-arm64.zip"}
    for name, entry in manifest.items():
        assert entry["sha256"] == archive.digest([zips / name])
        assert entry["size"] == (zips / name).stat().st_size
    assert {path.name for path in zips.iterdir()} == {*manifest, "manifest.json"}


def test_the_runner_carries_nothing_but_what_it_needs(zips: Path) -> None:
    for path in zips.glob("runner-*.zip"):
        told = {top for top in tops(path) if not top.endswith(".dist-info")}
        assert told == {"cloudpickle", "covalent_contracts", "covalent_runner"}


def test_the_control_plane_cannot_pickle(zips: Path) -> None:
    for path in zips.glob("control-plane-*.zip"):
        ours = {top for top in tops(path) if top.startswith("covalent") and "." not in top}
        assert ours == {
            "covalent_contracts",
            "covalent_control_plane",
            "covalent_executors",
            "covalent_step_functions",
        }
        assert not tops(path) & {"cloudpickle", "covalent", "covalent_runner", "pip", "boto3"}
        assert "covalent_contracts/pickling.py" not in names(path)


def test_nothing_in_a_zip_depends_on_who_built_it_when(zips: Path) -> None:
    for path in zips.glob("*.zip"):
        found = names(path)
        assert found == sorted(found, key=lambda name: Path(name).parts)
        assert not [n for n in found if "__pycache__" in n or n.endswith((".pyc", "/RECORD"))]
        assert not [
            n for n in found if n.endswith(("/INSTALLER", "/REQUESTED", "/direct_url.json"))
        ]
        assert not [n for n in found if {"tests", "bin"} & {*Path(n).parts}]


@pytest.mark.parametrize(("architecture", "machine"), [("x86_64", "x86_64"), ("arm64", "aarch64")])
def test_extensions_are_for_lambdas_platform(zips: Path, architecture: str, machine: str) -> None:
    found = [n for n in names(zips / f"control-plane-{architecture}.zip") if n.endswith(".so")]
    assert found
    assert all(f"cpython-313-{machine}-linux" in name for name in found)


def test_a_second_build_makes_the_same_bytes(zips: Path, tmp_path: Path) -> None:
    again = artifacts.build(tmp_path, ["3.12"], ["arm64"])
    first = json.loads((zips / "manifest.json").read_text())
    assert {**again} == {
        f"{name}.zip": first[f"{name}.zip"]
        for name in ("runner-py312-arm64", "builder-py312-arm64", "control-plane-arm64")
    }


@pytest.fixture
def only_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the small zip is made."""
    monkeypatch.setattr(
        artifacts,
        "targets",
        lambda pythons, *_: [Target("runner", each, "x86_64") for each in pythons],
    )


@pytest.fixture
def told(only_runner: None, tmp_path: Path) -> Callable[..., list[str]]:
    """Builds a runner, and returns whether each was built."""

    def build(*pythons: str) -> list[str]:
        lines: list[str] = []
        artifacts.build(tmp_path / "out", pythons or ("3.13",), tell=lines.append)
        return [line.split()[-1] for line in lines]

    return build


def test_what_has_not_changed_is_left_alone(told: Callable[..., list[str]], tmp_path: Path) -> None:
    assert told() == ["built"]
    assert told() == ["unchanged"]
    assert told("3.12", "3.13") == ["built", "unchanged"]
    assert told("3.12") == ["unchanged"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert {*manifest} == {"runner-py312-x86_64.zip", "runner-py313-x86_64.zip"}


@pytest.mark.parametrize("damage", ["zip", "manifest", "gone"])
def test_what_was_damaged_is_built_anew(
    told: Callable[..., list[str]], tmp_path: Path, damage: str
) -> None:
    told()
    path = (
        tmp_path / "out" / ("manifest.json" if damage == "manifest" else "runner-py313-x86_64.zip")
    )
    path.unlink() if damage == "gone" else path.write_bytes(b"[]")
    assert told() == ["built"]
    assert told() == ["unchanged"]


def test_a_changed_module_makes_another_zip(
    told: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tmp_path / "sources"
    for name in contents.RUNNER.packages:
        shutil.copytree(sources.package(name), copies / name)
    monkeypatch.setattr(sources, "package", lambda name: copies / name)
    assert told() == ["built"]
    assert told() == ["unchanged"]
    with (copies / "covalent_runner" / "run.py").open("a") as module:
        module.write("\n")
    assert told() == ["built"]


def test_a_zip_that_is_too_large_is_refused(
    told: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for field, small in (
        ("zipped", replace(contents.RUNNER, zipped=10_000)),
        ("unzipped", replace(contents.RUNNER, unzipped=10_000)),
    ):
        monkeypatch.setattr(artifacts, "KINDS", {"runner": small})
        with pytest.raises(LimitExceeded, match=rf"runner-py313-x86_64.zip has .* bytes {field}"):
            told()
        assert not list((tmp_path / "out").glob("*.zip"))


def test_without_uv_the_cure_is_named(
    told: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "uv" else find(name)
    )
    with pytest.raises(artifacts.Unbuildable, match=r"install 'covalent-serverless\[deploy\]'"):
        told()


def test_a_package_that_is_not_as_locked_is_refused(
    told: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = re.sub("sha256:....", "sha256:0000", sources.lock("runner").read_text())
    (tmp_path / "runner.lock").write_text(lock)
    monkeypatch.setattr(sources, "lock", lambda name: tmp_path / f"{name}.lock")
    with pytest.raises(artifacts.Unbuildable, match=r"(?is)runner-py313-x86_64.*hash"):
        told()


def test_what_is_deployed_is_what_is_tested() -> None:
    tested = dict(_pins(sources._CHECKOUT / "requirements.lock"))
    for name in ("runner", "control-plane"):
        deployed = dict(_pins(sources.lock(name)))
        assert deployed
        assert {package: tested[package] for package in deployed} == deployed


def _pins(lock: Path) -> list[tuple[str, str]]:
    return re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", lock.read_text(), re.MULTILINE)


def test_the_command_tells_sizes_and_refuses_an_unknown_python(zips: Path) -> None:
    command = [sys.executable, "-m", "covalent._deploy.artifacts", "--output", str(zips)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 14
    assert all(
        re.match(r"[\w-]+\.zip +\d+\.\d\d MB +\d+\.\d\d MB unzipped", each) for each in lines
    )
    wrong = subprocess.run(
        [*command, "--python", "2.7"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert "3.13" in wrong.stderr


# What follows runs what is in the zips, with nothing else but what Lambda has.

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the zips hold wheels for Linux")


@on_linux
@pytest.mark.parametrize("minor", sorted({OWN, max(PYTHONS)}))
def test_the_control_plane_answers(unzipped: Unzipped, minor: str) -> None:
    task = unzipped(Target("control-plane", minor, ARCHITECTURE))
    code = f"import app, json; print(json.dumps(app.app({HEALTH!r}, None)))"
    answer = json.loads(isolated(code, task, python=PYTHONS[minor], **ENVIRONMENT))
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["version"]) == (200, __version__)
    assert body["pythons"] == ["3.11"]


@on_linux
def test_botocore_knows_every_service_that_the_control_plane_calls(unzipped: Unzipped) -> None:
    task = unzipped(Target("control-plane", max(PYTHONS), ARCHITECTURE))
    modules = (task / "covalent_control_plane").rglob("*.py")
    called = re.findall(r'client\(\s*"([\w-]+)"', "".join(path.read_text() for path in modules))
    assert {"s3", "stepfunctions"} <= {*called} <= contents.SERVICES
    code = f"""
import botocore.session
session = botocore.session.get_session()
for name in {sorted(contents.SERVICES)!r}:
    print(session.create_client(name).meta.service_model.service_name)
"""
    made = isolated(code, task, python=PYTHONS[max(PYTHONS)], **ENVIRONMENT).decode().split()
    assert {*made} == contents.SERVICES


@on_linux
@pytest.mark.parametrize("minor", PYTHONS)
def test_the_builder_builds_a_sublattice(unzipped: Unzipped, minor: str) -> None:
    """What it needs is there, and none of it is taken for the user's own code, which would travel by value."""
    task = unzipped(Target("builder", minor, ARCHITECTURE))
    code = """
import covalent as ct
from covalent_contracts import context, pickling
add = ct.electron(lambda a, b: a + b)
outer = ct.lattice(lambda: ct.electron(ct.lattice(lambda n: [add(i, 1) for i in range(n)]))(3))
outer.build_graph()
build = pickling.loads(pickling.dumps(outer.transport_graph.get_node_value(0, "function")))
with context.entered(context.Context("6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11", 0)):
    built = build(3)
print(sum(map(len, built.objects.values())), built.manifest.decode())
"""
    size, _, manifest = isolated(code, task, python=PYTHONS[minor]).decode().partition(" ")
    kinds = [node["kind"] for node in json.loads(manifest)["nodes"]]
    assert (kinds.count("function"), kinds[-1]) == (3, "postprocess")
    assert int(size) < 8000


@on_linux
@pytest.mark.parametrize("minor", PYTHONS)
def test_the_runner_runs_an_electron(
    unzipped: Unzipped, runtime: Path, dispatch: Any, minor: str
) -> None:
    task = unzipped(Target("runner", minor, ARCHITECTURE))

    def inside(code: str, *more: Path) -> bytes:
        return isolated(code, task, *more, python=PYTHONS[minor], **dispatch.environment)

    function = inside(
        "from covalent_contracts import pickling; import sys;"
        "sys.stdout.buffer.write(pickling.dumps(lambda: sum(range(10))))"
    )
    version = inside("import platform; print(platform.python_version())").decode().strip()
    event = dispatch.publish(function, version)
    inside(f"from covalent_runner.lambda_handler import handler; handler({event!r}, None)", runtime)
    assert dispatch.result() == 45
