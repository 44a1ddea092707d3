"""Every golden state machine, read by asl-validator: the schemas, paths and ARNs of Amazon's States Language."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
INSTALLED = ROOT / ".asl-validator"
SECONDS = 300


@pytest.fixture(scope="module")
def validator() -> Path:
    """The program, installed from package-lock.json; needs npm, which only the gate must have."""
    npm = shutil.which("npm")
    if npm is None and not os.environ.get("CI"):
        pytest.skip("npm is not on the PATH")
    assert npm is not None, "npm must be on the PATH: https://nodejs.org/en/download"
    locked, done = GOLDEN / "asl_validator", INSTALLED / "package-lock.json"
    lock = (locked / "package-lock.json").read_text()
    if not (INSTALLED / ".ready").exists() or done.read_text() != lock:
        shutil.rmtree(INSTALLED, ignore_errors=True)
        shutil.copytree(locked, INSTALLED)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=INSTALLED, check=True, timeout=SECONDS)
        (INSTALLED / ".ready").touch()
    return INSTALLED / "node_modules" / ".bin" / "asl-validator"


def test_it_accepts_every_golden_machine(validator: Path, tmp_path: Path) -> None:
    machines = [
        _written(machine, tmp_path / f"{path.stem}-{number}.json")
        for path in sorted((GOLDEN / "asl").glob("*.json"))
        for number, machine in enumerate(_machines(path))
    ]
    done = _validated(validator, machines)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" is valid") == len(machines) > 20


@pytest.mark.parametrize(
    "fault", [{"Next": "nowhere"}, {"Resource": "arn:aws:nothing"}, {"ResultPath": "no.path"}]
)
def test_it_can_refuse(validator: Path, tmp_path: Path, fault: dict[str, str]) -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "end"}
    states = {"task": state | fault, "end": {"Type": "Succeed"}}
    path = _written({"StartAt": "task", "States": states}, tmp_path / "faulty.json")
    assert _validated(validator, [path]).returncode == 1


def _machines(path: Path) -> list[object]:
    found = json.loads(path.read_text())
    return found if isinstance(found, list) else [found]


def _written(machine: object, path: Path) -> Path:
    path.write_text(json.dumps(machine))
    return path


def _validated(program: Path, paths: Sequence[Path]) -> "subprocess.CompletedProcess[str]":
    options = [word for path in paths for word in ("--json-path", str(path))]
    return subprocess.run(
        [program, *options], capture_output=True, text=True, check=False, timeout=SECONDS
    )
