"""Leptons: what they are made of, what is refused, and how they are called."""

from __future__ import annotations

import ctypes
import inspect
from ctypes import POINTER
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest
from tests.c_library import compiled

import covalent as ct
from covalent._dispatch.packaging import package
from covalent._shared_files.exceptions import InvalidArguments
from covalent._workflow.electron import Electron
from covalent._workflow.lattice import Lattice
from covalent._workflow.lepton import Lepton
from covalent_contracts import pickling
from covalent_contracts.errors import InvalidWorkflow

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = [
    (ctypes.c_int32, Lepton.INPUT),
    (POINTER(ctypes.c_int32), Lepton.INPUT_OUTPUT),
    (POINTER(ctypes.c_int32), Lepton.OUTPUT),
]


def built(function: Any, *args: Any) -> Lattice:
    lattice = Lattice(function)
    lattice.build_graph(*args)
    return lattice


def names(lattice: Any) -> list[str]:
    return [known["name"] for _, known in lattice.transport_graph.nodes()]


def test_the_signature_is_covalents() -> None:
    given = {name: each.default for name, each in inspect.signature(Lepton).parameters.items()}
    assert given == {
        "language": "python", "library_name": "", "function_name": "", "argtypes": [], "command": "",
        "named_outputs": [], "display_name": "", "executor": "dask", "files": [], "deps_bash": [],
        "deps_pip": None, "call_before": [], "call_after": [],
    }  # fmt: skip
    bash = {
        name: each.default for name, each in inspect.signature(ct.leptons.bash).parameters.items()
    }
    assert bash == {
        "_func": None, "display_name": "", "executor": "dask", "files": [], "deps_bash": [],
        "deps_pip": None, "call_before": [], "call_after": [],
    }  # fmt: skip


def test_a_lepton_is_an_electron_and_called_at_once_outside_a_lattice(tmp_path: Path) -> None:
    library = compiled(tmp_path)
    entry = ct.Lepton("C", library_name=library, function_name="entry", argtypes=ENTRY)
    assert isinstance(entry, Electron)
    assert entry(1, 2) == (3, 5)
    assert ct.Lepton(library_name="math", function_name="sqrt")(9) == 3
    kinds = [(int, Lepton.INPUT_OUTPUT), (ctypes.c_double, Lepton.OUTPUT)]
    command = "x={a}; y=$((a+1))"
    shell = ct.Lepton("shell", command=command, named_outputs=["x", "y"], argtypes=kinds)
    assert shell(a=5) == (5, 6.0)
    assert ct.Lepton("bash", command="z=$1", named_outputs=["z"])("text") == "text"


def test_nodes_are_named_as_the_lepton() -> None:
    one = ct.Lepton("bash", command="\necho one\necho two")
    two = ct.Lepton(library_name="math", function_name="sqrt")
    three = ct.Lepton("Python", library_name="math", function_name="sqrt", display_name="root")

    @ct.leptons.bash
    def four(x: Any) -> str:
        return f"echo {x}"

    lattice = built(lambda: [one(), two(4), three(9), four(two(4))])
    assert names(lattice) == [
        "echo one", "sqrt", ":parameter:4", "root", ":parameter:9",
        "sqrt", ":parameter:4", "four", ":postprocess:reconstruct",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"language": "fortran"}, "cannot be in 'fortran': the languages are Python, C and bash"),
        ({"language": "bash"}, "either a command or a library_name"),
        ({"language": "bash", "command": "ls", "library_name": "x.sh"}, "either a command or"),
        ({"language": "bash", "library_name": "x.sh"}, r"which function of x\.sh\?"),
        ({"language": "C", "library_name": "x.so"}, r"which function of x\.so\?"),
        ({"language": "C", "command": "ls"}, "in C takes library_name and function_name"),
        ({}, "in python takes library_name and function_name, and no command"),
        (
            {"library_name": "m", "function_name": "f", "named_outputs": ["x"]},
            "only a lepton in bash has them",
        ),
        ({"language": "bash", "command": "ls", "named_outputs": ["a b"]}, "'a b' in named_outputs"),
        (
            {
                "language": "bash",
                "command": "ls",
                "named_outputs": ["a"],
                "argtypes": [(int, 1), (int, 2)],
            },
            "named_outputs has 1 names, argtypes has 2 outputs",
        ),
        (
            {"language": "bash", "command": "ls", "argtypes": [int]},
            "is no pair of a type and Lepton",
        ),
        ({"language": "bash", "command": "ls", "argtypes": [(int, 3)]}, "is no pair of a type and"),
        (
            {
                "language": "bash",
                "command": "ls",
                "call_before": [ct.DepsCall(print, retval_keyword="x")],
            },
            "retval_keyword 'x' of a DepsCall has no effect on a lepton",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ct.Lepton(**settings)


@pytest.mark.parametrize(
    ("language", "argtypes", "told"),
    [
        ("C", [(int, Lepton.INPUT)], "int is no argument type of a C lepton"),
        ("C", [(ctypes.c_int, Lepton.OUTPUT)], r"argument 1 is an output.*POINTER\(c_int\)"),
        ("bash", [("int", Lepton.OUTPUT)], "'int' in argtypes is no type that a text can become"),
    ],
)
def test_types_that_do_not_fit_are_refused(language: str, argtypes: list[Any], told: str) -> None:
    shell = {"command": "ls", "named_outputs": ["x"]}
    settings = shell if language == "bash" else {"library_name": "libx.so", "function_name": "f"}
    with pytest.raises(TypeError, match=told):
        ct.Lepton(language, argtypes=argtypes, **settings)


@pytest.mark.parametrize(
    ("language", "library"),
    [("C", "./libnone.so"), ("python", "/nowhere/none.py"), ("bash", "none.sh")],
)
def test_a_missing_library_is_named_with_its_path(language: str, library: str) -> None:
    lepton = ct.Lepton(language, library_name=library, function_name="f")
    with pytest.raises(
        InvalidWorkflow, match=r"library of lepton f is not there: /.*none\.\w+ is no file"
    ):
        built(lepton)


def test_arguments_that_c_does_not_take_are_refused_when_the_lattice_is_built() -> None:
    entry = ct.Lepton("C", library_name="libx.so", function_name="entry", argtypes=ENTRY)
    with pytest.raises(InvalidArguments, match="takes 2, or 3 with its outputs arguments, not 1"):
        built(lambda: entry(1))
    with pytest.raises(InvalidArguments, match="no keyword arguments: x"):
        built(lambda: entry(1, x=2))


def test_the_library_travels_and_is_read_anew_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("def f(): return 'first'")
    lepton = ct.Lepton(library_name=str(path), function_name="f")
    first = lepton.function
    assert lepton.function is first
    path.write_text("def f(): return 'the second'")
    assert lepton() == "the second"
    restored = cloudpickle.loads(cloudpickle.dumps(lepton))
    path.unlink()
    assert restored() == "the second"
    assert repr(restored) == "<electron f>"
    assert first() == "first"


def test_a_library_travels_once_however_often_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("def f(x): return x\n" + "#" * 100_000)
    lepton = ct.Lepton(library_name=path, function_name="f")
    packed = package(built(lambda: [lepton(number) for number in range(20)]))
    assert (
        sum(map(len, packed.objects.values())) < 250_000
    )  # once for the node, once in the lattice itself


def test_a_module_of_ones_own_travels_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_shapes.py").write_text("def f(): return __name__")
    monkeypatch.syspath_prepend(tmp_path)
    lepton = ct.Lepton(library_name="own_shapes", function_name="f")
    assert lepton().startswith("lepton_")
    assert ct.Lepton(library_name="os.path", function_name="basename")("/a/b") == "b"


def test_pointer_types_travel() -> None:
    lepton = ct.Lepton("C", library_name="libx.so", function_name="entry", argtypes=ENTRY)
    function = pickling.loads(pickling.dumps(lepton.function))
    assert [each.type for each in function.arguments] == ["c_int", "*c_int", "*c_int"]


def test_the_executor_is_the_lattices_unless_chosen() -> None:
    free = ct.Lepton("bash", command="ls")
    chosen = ct.Lepton("bash", command="ls", executor="awslambda")
    written = ct.leptons.bash(executor="awslambda")(lambda: "ls")
    lattice = ct.lattice(executor="slurm")(lambda: [free(), chosen(), written()])
    lattice.build_graph()
    known = [each["metadata"]["executor"] for _, each in lattice.transport_graph.nodes()]
    assert known[:3] == ["slurm", "awslambda", "awslambda"]
    assert ct.Lepton("bash", command="ls", executor="dask").executor == "dask"
    assert free.executor is None


def test_the_bash_decorator_keeps_the_function() -> None:
    @ct.leptons.bash(display_name="listing", deps_bash=["true"])
    def listed(folder: str, *, deep: bool = False) -> str:
        """List it."""
        return f"ls {folder}"

    assert listed.__name__ == "listed"
    assert listed.__doc__ == "List it."
    listed("/")
    with pytest.raises(InvalidArguments, match="Missing arguments: folder"):
        built(listed)
    lattice = built(lambda: listed("/"))
    assert names(lattice)[0] == "listing"
    assert lattice.transport_graph.get_node_value(0, "metadata")["hooks"]["deps"][
        "bash"
    ].commands == ["true"]
