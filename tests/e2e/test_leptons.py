"""Leptons on the embedded AWS: their libraries travel, and what goes wrong in them ends as the electron's failure."""

import ctypes
import shlex
import sys
from ctypes import POINTER
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.c_library import compiled
from tests.running import Server

import covalent as ct
from covalent import Lepton


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("c"))


def c_lepton(library: Path, name: str) -> Lepton:
    pair = (POINTER(ctypes.c_int), Lepton.INPUT_OUTPUT)
    return Lepton("C", library_name=library, function_name=name, argtypes=[pair])


def test_leptons_of_all_languages_pass_values_on(
    server: Server, library: Path, tmp_path: Path
) -> None:
    integers = POINTER(ctypes.c_longlong)
    kinds = [
        (ctypes.c_int, Lepton.INPUT),
        (integers, Lepton.INPUT_OUTPUT),
        (POINTER(ctypes.c_double), Lepton.INPUT),
        (ctypes.c_double * 3, Lepton.OUTPUT),
    ]
    own = tmp_path / "own_library.py"
    script = tmp_path / "script.sh"
    travelling = tmp_path / library.name
    own.write_text("def total(numbers): return sum(numbers)\n")
    script.write_text('describe() { text="$1 is $sum"; }\n')
    travelling.write_bytes(library.read_bytes())
    twice = Lepton("C", library_name=travelling, function_name="twice", argtypes=kinds)
    total = Lepton(library_name=own, function_name="total")
    describe = Lepton("bash", library_name=script, function_name="describe", named_outputs=["text"])

    @ct.leptons.bash(deps_pip=[])
    def said(text: str) -> str:
        return f"echo 'said: {text}'"

    @ct.lattice
    def workflow(numbers: list[int]) -> list[object]:
        integers, floats = twice(3, numbers, [1.0, 2.0, 3.0])
        text = describe("the sum", sum=total(integers))
        return [integers, floats, text, said(text)]

    dispatch_id = ct.dispatch(workflow)([1, 2, 2**40])
    for path in (own, script, travelling):
        path.unlink()
    result = ct.get_result(dispatch_id, wait=True)
    sum_ = 6 + 2**41
    assert result.error is None
    assert result.result == [[2, 4, 2**41], [1.5, 2.5, 3.5], f"the sum is {sum_}", None]
    nodes = {each["node_name"]: each for each in result.get_all_node_results()}
    assert nodes["said"]["stdout"] == f"said: the sum is {sum_}\n"
    assert nodes["twice"]["stdout"] == "hello from C\n"


def test_failures_end_as_the_electrons_own(server: Server, library: Path) -> None:
    broken = Lepton("bash", command="echo 'no such luck' >&2; exit 7")
    crash, missing = c_lepton(library, "crash"), c_lepton(library, "missing")
    unknown = Lepton(library_name="no_such_module_anywhere", function_name="f")
    result = ct.dispatch_sync(ct.lattice(lambda: [broken(), crash(1), missing(1), unknown()]))()
    assert result.status == ct.status.FAILED
    nodes = {each["node_name"]: each for each in result.get_all_node_results()}
    shell = next(each for name, each in nodes.items() if name.startswith("echo"))
    assert shell["error"].endswith("exit status 7\nno such luck")
    assert "no such luck" in shell["stderr"]
    assert "crashed: segmentation fault" in nodes["crash"]["error"]
    assert "there is no such function in the library" in nodes["missing"]["error"]
    assert "No module named 'no_such_module_anywhere'" in nodes["f"]["error"]


def test_a_bash_lepton_finds_the_packages_it_asks_for(server: Server, tmp_path: Path) -> None:
    wheel = tmp_path / "tinypkg-1.0-py3-none-any.whl"
    info = "tinypkg-1.0.dist-info"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("tinypkg.py", "print('tiny indeed')\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinypkg\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")

    @ct.leptons.bash(deps_pip=[str(wheel)])
    def imported(python: str) -> str:
        return f"{shlex.quote(python)} -c 'import tinypkg'"

    result = ct.dispatch_sync(ct.lattice(imported))(sys.executable)
    assert result.error is None
    assert result.get_node_result(0)["stdout"] == "tiny indeed\n"


def test_files_travel_before_and_after_leptons(server: Server, tmp_path: Path) -> None:
    source, copy, made = (tmp_path / name for name in ("source", "copy", "made"))
    source.write_text("measured\n")
    fetched = ct.fs.FileTransfer(str(source), str(copy))
    kept = ct.fs.FileTransfer(str(copy), str(made), order=ct.fs.Order.AFTER)
    shout = Lepton(
        "bash", command=f"tr a-z A-Z < {copy} > {copy}.tmp && mv {copy}.tmp {copy}", files=[fetched]
    )

    @ct.leptons.bash(files=[kept])
    def told(files: list[tuple[str, str]] = []) -> str:  # noqa: B006  # the transfer gives it
        return f"echo done >> {files[0][0]}"

    @ct.lattice
    def workflow() -> None:
        ct.wait(told(), shout())

    result = ct.get_result(ct.dispatch(workflow)(), wait=True)
    assert result.status == "COMPLETED", result.error
    assert made.read_text() == "MEASURED\ndone\n"
