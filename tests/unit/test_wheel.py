"""The wheel, as a user gets it who asks for no extra."""

import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging
ROOT = Path(__file__).parents[2]
PACKAGES = {
    "covalent",
    "covalent_contracts",
    "covalent_control_plane",
    "covalent_executors",
    "covalent_localstack",
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


def test_it_holds_the_seven_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    (info,) = {top for top in tops if top.endswith(".dist-info")}
    assert tops - {info} == PACKAGES


def test_it_is_typed_and_licensed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


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
