"""The repository looks as docs/architecture.md says, and holds nothing that belongs to one machine."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    "sdk": {"covalent", "covalent_contracts"},
    "executors": {"covalent_bridge", "covalent_executors", "covalent_runner"},
    "step_functions": {"covalent_step_functions"},
    "control_plane": {"covalent_control_plane"},
    "localstack": {"covalent_localstack"},
}
MAX_LINES = 400

# Written in pieces, or this file would find itself.
HOSTS = (
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    "npmjs" + r"\.(org|com)",
    "debian" + r"\.org",
)
PATHS = ("/" + "work/", "/" + "opt/", "/" + "root/", "/" + r"home/\w")
FOREIGN = re.compile("|".join((*HOSTS, *PATHS)))


def tracked() -> list[Path]:
    """Every file of the repository, new ones included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("folder", SOURCES)
def test_a_folder_holds_its_packages_and_no_other(folder: str) -> None:
    assert {init.parent.name for init in (ROOT / folder).glob("*/__init__.py")} == SOURCES[folder]


@pytest.mark.parametrize("package", sorted(f"{f}/{p}" for f in SOURCES for p in SOURCES[f]))
def test_a_package_says_what_it_is_and_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert (ROOT / package / "__init__.py").read_text().startswith('"""')


@pytest.mark.parametrize("folder", ["docs", "examples", "tests", ".ci"])
def test_the_other_folders_exist(folder: str) -> None:
    assert (ROOT / folder).is_dir()


def test_the_wheel_is_told_of_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["packages"]) == {f"{f}/{p}" for f in SOURCES for p in SOURCES[f]}


def test_no_module_is_too_long() -> None:
    modules = [path for path in tracked() if path.suffix == ".py" and "tests" not in path.parts]
    assert modules
    lengths = {path: len(path.read_text().splitlines()) for path in modules}
    assert {str(path): n for path, n in lengths.items() if n > MAX_LINES} == {}


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = {}
    for path in tracked():
        text = path.read_bytes().decode(errors="ignore")
        if match := FOREIGN.search(text):
            found[str(path.relative_to(ROOT))] = match[0]
    assert found == {}


def test_the_lock_file_names_versions_and_hashes_only() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert not [line for line in lines if re.match(r"--|-[a-z] ", line) or "://" in line]
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert pins
    assert all(re.match(r"[\w.-]+(\[[\w,]+\])?==", pin) for pin in pins)


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs/differences.md"],
)
def test_the_pages_exist(page: str) -> None:
    assert (ROOT / page).read_text().strip()


@pytest.mark.parametrize(
    "target", ["demo", "test", "check", "fix", "golden", "bench", "lambda", "chalice", "transfers"]
)
def test_make_has_its_commands(target: str) -> None:
    assert re.search(rf"^{target}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_gate_runs_every_stage() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    in_a_row = re.search(r"for each in (system_packages .*?); do", text)
    beside = re.findall(r"^    lane \w+ (.*) &$", text, re.MULTILINE)
    assert in_a_row
    assert len(beside) == 2
    stages = " ".join([in_a_row[1], *beside]).split()
    assert len(stages) == len({*stages})
    before = {
        "setup",
        "lint",
        "types",
        "import_contracts",
        "demo",
        "reference_example",
        "reference_promises",
        "wheel",
    }
    assert before <= {*in_a_row[1].split()}
    with_parts_of_their_own = {
        "openapi",
        "transfers",
        "clouds",
        "remote",
        "quantum",
        "terraform_modules",
        "localstack",
    }
    assert {"tests"} | with_parts_of_their_own <= {*" ".join(beside).split()}
    assert all(re.search(rf"^{stage}\(\)", text, re.MULTILINE) for stage in stages)
