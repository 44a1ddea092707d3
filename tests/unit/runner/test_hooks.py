import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from covalent_contracts.hooks import Call, Hooks
from covalent_contracts.sheet import Light
from covalent_runner import packages
from covalent_runner.errors import ElectronFailed, HookFailed
from covalent_runner.leptons.shell import Output, ShellCommand

from .conftest import Dispatch


def test_hooks_run_in_the_documented_order(dispatch: Dispatch) -> None:
    def body(a: int, b: int = 0) -> int:
        print("body", a, b)
        return a + b

    hooks = Hooks(
        bash=["echo one", "echo two >&2; echo two"],
        before=[
            Call(lambda x: print("before", x) or x, args=(5,), keyword="b"),
            Call(print, ("second",)),
        ],
        after=[Call(print, ("after",), {"end": "!"})],
    )
    assert dispatch.call(body, 1, hooks=hooks) == 6
    item = dispatch.item(0)
    assert item["stdout"] == "one\ntwo\nbefore 5\nsecond\nbody 1 5\nafter!"
    assert item["stderr"] == "two\n"


def test_a_repeated_keyword_takes_the_list(dispatch: Dispatch) -> None:
    calls = [Call(lambda i=i: i, keyword="many") for i in range(3)]
    calls += [Call(lambda: "a", keyword="single"), Call(lambda: ("from", "to"), keyword="files")]
    found = dispatch.call(lambda **kwargs: kwargs, hooks=Hooks(before=calls))
    assert found == {"many": [0, 1, 2], "single": "a", "files": [("from", "to")]}


def test_a_bash_command_that_fails_is_named(dispatch: Dispatch, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    hooks = Hooks(bash=["exit 3", f"touch {mark}"])
    with pytest.raises(ElectronFailed, match="HookFailed"):
        dispatch.call(mark.touch, hooks=hooks)
    assert dispatch.error(0).endswith("the command 'exit 3' ended with exit status 3")
    assert not mark.exists()


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_call_that_fails_fails_the_electron(dispatch: Dispatch, place: str) -> None:
    def boom() -> None:
        raise ValueError("in the hook")

    hooks = Hooks(before=[Call(boom)]) if place == "before" else Hooks(after=[Call(boom)])
    with pytest.raises(ElectronFailed, match="ValueError"):
        dispatch.call(lambda: 1, hooks=hooks)
    assert dispatch.status(0) == "FAILED"
    assert "digest" not in dispatch.item(0)


def wheel(folder: Path, name: str, version: str, code: str) -> None:
    info = f"{name}-{version}.dist-info"
    with ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/__init__.py", code)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip installs from, instead of the network."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, "tinypkg", "1.0", "import os\nVERSION = 1\nPLACE = os.getcwd()\n")
    wheel(folder, "tinypkg", "2.0", "VERSION = 2\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("COVALENT_PACKAGES_DIR", str(tmp_path / "packages"))
    monkeypatch.setattr(packages, "_loaded", {})
    return folder


@pytest.fixture
def quick_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`index`, installed without pip, which takes a second: for tests of what is done with the folders."""

    def unpack(requirements: Sequence[str], target: Path) -> None:
        target.mkdir()
        for requirement in requirements:
            (found,) = index.glob(requirement.replace("==", "-") + "-*.whl")
            with ZipFile(found) as archive:
                archive.extractall(target)

    monkeypatch.setattr(packages, "_install", unpack)
    return index


def version() -> int:
    import tinypkg  # type: ignore[import-not-found]

    return int(tinypkg.VERSION)


def test_packages_are_there_for_this_electron_only(dispatch: Dispatch, index: Path) -> None:
    path = sys.path[:]
    hooks = Hooks(pip=["tinypkg==1.0"])
    assert dispatch.call(version, hooks=hooks) == 1
    assert sys.path == path
    assert "tinypkg" not in sys.modules
    dispatch.add(3, version)
    with pytest.raises(ElectronFailed, match="ModuleNotFoundError"):
        dispatch.run(3)


def test_versions_live_side_by_side_and_are_installed_once(
    dispatch: Dispatch, quick_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs: list[Any] = []
    install = packages._install

    def counted(requirements: Any, target: Path) -> None:
        installs.append(requirements)
        install(requirements, target)

    monkeypatch.setattr(packages, "_install", counted)
    found = []
    for number, wanted in enumerate([1, 2, 1, 2]):
        dispatch.add(number, version, hooks=Hooks(pip=[f"tinypkg=={wanted}.0"]))
        dispatch.run(number)
        found.append(dispatch.value(number))
    assert found == [1, 2, 1, 2]
    assert installs == [["tinypkg==1.0"], ["tinypkg==2.0"]]


def test_the_hosts_version_comes_back(quick_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = type(sys)("tinypkg")
    monkeypatch.setitem(sys.modules, "tinypkg", host)
    with packages.installed(["tinypkg==2.0"]):
        assert version() == 2
    assert sys.modules["tinypkg"] is host


def test_child_processes_find_them_too(
    dispatch: Dispatch, quick_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    path = os.environ["PATH"]
    code = "import tinypkg; print(tinypkg.VERSION)"
    command = ShellCommand(
        (Output("version", int),), command=f"version=$({sys.executable} -c '{code}')"
    )
    assert dispatch.call(command, hooks=Hooks(pip=["tinypkg==2.0"])) == 2
    with packages.installed(["tinypkg==1.0"]):
        assert os.environ["PATH"].endswith(f"/bin:{path}")
    assert os.environ["PATH"] == path
    assert "PYTHONPATH" not in os.environ


def test_pips_output_tells_why(dispatch: Dispatch, index: Path, tmp_path: Path) -> None:
    with pytest.raises(ElectronFailed, match="HookFailed"):
        dispatch.call(version, hooks=Hooks(pip=["tinypkg==9.9"]))
    assert "pip could not install tinypkg==9.9" in dispatch.error(0)
    assert "No matching distribution found" in dispatch.error(0)
    assert [p for p in (tmp_path / "packages").iterdir() if p.is_dir()] == []


def test_order_of_requirements_does_not_matter(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_install", lambda _, target: target.mkdir())
    assert packages.target_of(["b", "a"]) == packages.target_of(["a", "b", "a"])
    assert packages.target_of(["a"]) != packages.target_of(["b"])


def test_a_folder_of_someone_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COVALENT_PACKAGES_DIR", str(tmp_path))
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(HookFailed, match="another user"):
        packages.target_of(["a"])


def test_lights_may_need_the_electrons_packages(dispatch: Dispatch, quick_index: Path) -> None:
    """They cannot be computed before the electron starts, then, but are recorded all the same."""
    code = (
        "class Money(int):\n    def __add__(self, other):\n        return int(self) + int(other)\n"
    )
    wheel(quick_index, "moneypkg", "1.0", code)
    with packages.installed(["moneypkg"]):
        import moneypkg  # type: ignore[import-not-found]

        dispatch.complete(1, moneypkg.Money(2))
        dispatch.complete(2, moneypkg.Money(3))
    plus = Light(3, "operator", op="add", inputs=(1, 2))
    needs: dict[str, Any] = {"inputs": (1, 2), "before": (plus,), "args": (3,)}
    dispatch.add(0, lambda total: 10 * total, Hooks(pip=["moneypkg"]), **needs)
    dispatch.run(0)
    assert (dispatch.value(3), dispatch.value(0)) == (5, 50)
    dispatch.add(4, lambda total: total, **needs)
    with pytest.raises(ElectronFailed):
        dispatch.run(4)
    assert "DepsPip(['moneypkg'])" in dispatch.error(4)
