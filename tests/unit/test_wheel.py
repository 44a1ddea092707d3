"""The wheel, as a user gets it who asks for no extra."""

import json
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from covalent._deploy import artifacts

pytestmark = pytest.mark.packaging
ROOT = Path(__file__).parents[2]
PACKAGES = {
    "covalent",
    "covalent_contracts",
    "covalent_control_plane",
    "covalent_executors",
    "covalent_localstack",
    "covalent_bridge",
    "covalent_runner",
    "covalent_step_functions",
}


def run(*command: str | Path) -> str:
    """What the command printed; a failure shows all of it."""
    clean = {"PATH": os.environ["PATH"], "PYTHONNOUSERSITE": "1"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pins() -> str:
    """The lock file as constraints: without hashes, which a wheel of our own has none of."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return "\n".join(
        line.removesuffix("\\") for line in lines if line and not line.startswith((" ", "#"))
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    (built,) = folder.glob("*.whl")
    return built


def install(programs: Path, what: str | Path) -> None:
    """Install at the locked versions; what is not imported need not be compiled."""
    constraints = programs.parent / "constraints.txt"
    pip = (programs / "python", "-m", "pip", "install", "-qq", "--no-compile")
    run(*pip, "--constraint", constraints, what)


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with nothing but the wheel, at the locked versions."""
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", folder)
    programs = folder / "bin"
    (folder / "constraints.txt").write_text(pins())
    install(programs, wheel)
    return programs


def test_it_holds_the_eight_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    (info,) = {top for top in tops if top.endswith(".dist-info")}
    assert tops - {info} == PACKAGES


def test_it_is_typed_and_licensed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_holds_what_a_deployment_is_made_from(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name.removeprefix("covalent/_deploy/") for name in archive.namelist()}
    terraform = {name for name in inside if name.startswith("terraform/")}
    folder = ROOT / "infra" / "terraform"
    modules = {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*.tf*")}
    wanted = {name for name in modules if not {"tests", ".terraform"} & {*name.split("/")}}
    assert terraform >= {name for name in wanted if name.endswith((".tf", ".tf.json"))}
    assert "terraform/modules/api/chalice.tf.json" in terraform
    assert not [n for n in terraform if "/tests/" in n or ".terraform/" in n or "tfstate" in n]
    assert {"image/Dockerfile", "image/entrypoint.py", "control_plane/app.py"} <= inside
    assert {f"locks/{name}.lock" for name in ("runner", "control-plane", "image")} <= inside


def test_no_server_code_comes_without_an_extra(fresh: Path) -> None:
    listed = run(fresh / "python", "-m", "pip", "list", "--format=freeze").lower()
    for name in ("boto3", "moto", "chalice", "pynamodb", "aws-lambda-powertools"):
        assert f"\n{name}==" not in f"\n{listed}"


def test_it_imports(fresh: Path) -> None:
    script = "import covalent as ct; print(ct.electron, ct.lattice, ct.dispatch, ct.get_result)"
    assert run(fresh / "python", "-P", "-c", script)


def test_the_command_prints_its_version(fresh: Path) -> None:
    assert "Covalent 0." in run(fresh / "covalent", "--version")


def test_a_start_without_the_extra_names_the_cure(fresh: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [fresh / "covalent", "start"],
        env={
            "PATH": os.environ["PATH"],
            "COVALENT_CONFIG_DIR": str(tmp_path / "config"),
            "COVALENT_DATA_DIR": str(tmp_path / "data"),
            "COVALENT_CACHE_DIR": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'covalent-serverless[local]'" in done.stderr


@pytest.fixture(scope="module")
def local(fresh: Path, wheel: Path) -> Path:
    """`fresh` and the extra `local`. Its tests are the last in this file: they change what the others look at."""
    install(fresh, f"{wheel}[local]")
    return fresh


WORKFLOW = """
import covalent as ct

@ct.electron
def double(x):
    return 2 * x

@ct.lattice
def workflow(x):
    return double(double(x))

print(ct.dispatch_sync(workflow)(5).result)
"""


def test_with_the_extra_the_server_runs(local: Path, tmp_path: Path) -> None:
    folders = {"CONFIG_DIR": "config", "DATA_DIR": "data", "CACHE_DIR": "cache", "LOGDIR": "log"}
    environment = {
        "PATH": os.environ["PATH"],
        **{f"COVALENT_{name}": str(tmp_path / folder) for name, folder in folders.items()},
    }
    program = tmp_path / "program.py"
    program.write_text(WORKFLOW)

    def inside(*command: str | Path) -> str:
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    inside(local / "covalent", "start", "-p", port)
    try:
        assert inside(local / "python", program).strip() == "20"
    finally:
        inside(local / "covalent", "stop")


@pytest.fixture(scope="module")
def deploying(local: Path, wheel: Path) -> Path:
    """`local` and the extra `deploy`."""
    install(local, f"{wheel}[deploy]")
    return local


def test_the_zips_are_the_same_as_from_a_checkout(deploying: Path, tmp_path: Path) -> None:
    module = ("-P", "-m", "covalent._deploy.artifacts")
    asked = ("--python", "3.12", "--architecture", "arm64")
    run(deploying / "python", *module, "--output", tmp_path / "wheel", *asked)
    ours = artifacts.build(tmp_path / "checkout", ["3.12"], ["arm64"])
    theirs = json.loads((tmp_path / "wheel" / "manifest.json").read_text())
    assert {name: entry["sha256"] for name, entry in theirs.items()} == {
        name: entry["sha256"] for name, entry in ours.items()
    }
    assert len(theirs) == 3


def test_an_installation_knows_where_its_sources_are(deploying: Path) -> None:
    code = (
        "from covalent._deploy import sources;"
        "print(sources.terraform(), sources.image(), sources.application(), sep='\\n')"
    )
    found = run(deploying / "python", "-P", "-c", code).splitlines()
    assert len(found) == 3
    assert all("site-packages" in path and Path(path).exists() for path in found)
