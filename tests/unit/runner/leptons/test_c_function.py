"""C functions: values to memory and back, and what becomes of one that does not behave."""

import array
import ctypes
import ctypes.util
from ctypes import POINTER
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.c_library import compiled

from covalent_runner.errors import LeptonFailed
from covalent_runner.leptons.c_function import Argument, CFunction, Role
from covalent_runner.leptons.c_types import CType, describe, parse
from covalent_runner.leptons.c_values import Memory, blank, to_memory, to_value
from covalent_runner.leptons.library import Library

IN, OUT, BOTH = Role.INPUT, Role.OUTPUT, Role.INPUT_OUTPUT
INTEGERS = (
    "c_byte",
    "c_ubyte",
    "c_short",
    "c_ushort",
    "c_int",
    "c_uint",
    "c_longlong",
    "c_ulonglong",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    path = compiled(tmp_path_factory.mktemp("c"))
    return Library(path.name, path.read_bytes())


def arguments(*pairs: tuple[Any, Role]) -> tuple[Argument, ...]:
    return tuple(Argument(str(describe(kind)), role) for kind, role in pairs)


ENTRY = arguments(
    (ctypes.c_int32, IN), (POINTER(ctypes.c_int32), BOTH), (POINTER(ctypes.c_int32), OUT)
)
TWICE = arguments(
    (ctypes.c_int, IN),
    (POINTER(ctypes.c_longlong), BOTH),
    (POINTER(ctypes.c_double), IN),
    (ctypes.c_double * 3, OUT),
)


def test_scalars_are_boxed_and_outputs_may_be_left_out(library: Library) -> None:
    entry = CFunction("entry", ENTRY, library=library)
    assert entry(1, 2) == (3, 5)
    assert entry(1, 2, None) == (3, 5)
    assert entry(1, [2, 7], [0]) == ([3, 7], [5])


@pytest.mark.parametrize(
    ("integers", "numbers"),
    [
        ([1, 2, 2**40], (1, 2, 3.5)),
        (np.array([1, 2, 2**40]), np.array([1, 2, 3.5], dtype="f4")),
        (array.array("q", [1, 2, 2**40]), memoryview(array.array("d", [1, 2, 3.5]))),
    ],
)
def test_integer_arrays(library: Library, integers: Any, numbers: Any) -> None:
    twice = CFunction("twice", TWICE, library=library)
    assert twice(3, integers, numbers) == ([2, 4, 2**41], [1.5, 2.5, 4.0])


def test_arrays_of_arrays(library: Library) -> None:
    matrix = CFunction("matrix", arguments((ctypes.c_int * 3 * 2, BOTH)), library=library)
    assert matrix([[1, 2, 3], [4, 5, 6]]) == [[1, 3, 5], [14, 16, 18]]
    assert matrix(np.zeros((2, 3), dtype="i4")) == [[0, 1, 2], [10, 11, 12]]


def test_text(library: Library) -> None:
    upper = CFunction("upper", arguments((POINTER(ctypes.c_char), BOTH)), library=library)
    assert upper("straße") == b"STRA\xc3\x9fE"
    kinds = arguments((ctypes.c_char_p, IN), (POINTER(ctypes.c_int), OUT))
    length = CFunction("length", kinds, library=library)
    assert [length("four"), length(b""), length(None)] == [4, 0, -1]


def test_what_c_prints_is_not_lost(library: Library, capfd: pytest.CaptureFixture[str]) -> None:
    CFunction("twice", TWICE, library=library)(1, [1], [0, 0, 0])
    assert capfd.readouterr().out == "hello from C\n"


def test_a_library_that_the_loader_finds_needs_no_file() -> None:
    name = ctypes.util.find_library("c")
    assert name is not None
    copy = arguments(
        (POINTER(ctypes.c_int), BOTH), (POINTER(ctypes.c_int), IN), (ctypes.c_size_t, IN)
    )
    assert CFunction("memcpy", copy, name)([0, 0, 0], [1, 2, 3], 8) == [1, 2, 0]


@pytest.mark.parametrize(
    ("name", "kinds", "args", "told"),
    [
        ("crash", [(POINTER(ctypes.c_int), BOTH)], (1,), "crashed: segmentation fault.*argtypes"),
        ("overrun", [(POINTER(ctypes.c_double), BOTH)], (1.0,), "wrote past the end .* 8 bytes"),
        ("leave", [], (), "ended its process with exit status 3"),
        ("nothing", [], (), "no such function in the library"),
    ],
)
def test_what_goes_wrong_in_c_is_told(
    library: Library, name: str, kinds: list[tuple[Any, Role]], args: tuple[Any, ...], told: str
) -> None:
    with pytest.raises(LeptonFailed, match=f"C function {name} of libtest.so .*{told}"):
        CFunction(name, arguments(*kinds), library=library)(*args)


def test_what_is_no_library_is_told() -> None:
    with pytest.raises(LeptonFailed, match=r"f of text\.so failed: its library cannot be loaded"):
        CFunction("f", (), library=Library("text.so", b"no ELF"))()
    with pytest.raises(LeptonFailed, match=r"libnothing\.so: cannot open shared object file"):
        CFunction("f", (), "libnothing.so")()


@pytest.mark.parametrize(
    ("args", "error", "told"),
    [
        ((1,), TypeError, r"takes 2, or 3 with its outputs arguments, not 1"),
        ((2**40, 1), OverflowError, r"argument 1 .*: 1099511627776 does not fit into c_int"),
        ((1.5, 1), TypeError, r"argument 1 .*: 1\.5 cannot be a c_int"),
        ((1, [1, "two"]), TypeError, r"argument 2 .*: 'two' cannot be a c_int"),
        ((1, [1, [2]]), ValueError, r"argument 2 .*: the lists in an array must be equally long"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    args: tuple[Any, ...], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        CFunction("entry", ENTRY, "libnone.so")(*args)


def test_keywords_and_wrong_lengths_are_refused() -> None:
    with pytest.raises(TypeError, match="no keyword arguments: x"):
        CFunction("entry", ENTRY, "libnone.so").check((), {"x": 1})
    with pytest.raises(ValueError, match=r"\[2\]\[3\]c_int takes 2 x 3 numbers, not 2"):
        to_memory(describe(ctypes.c_int * 3 * 2), [1, 2])


@given(st.sampled_from(INTEGERS), st.lists(st.integers(-(2**64), 2**65), min_size=1, max_size=9))
def test_integers_come_back_or_are_refused(name: str, numbers: list[int]) -> None:
    kind = CType(name, is_pointer=True)
    size = 8 * ctypes.sizeof(kind.element)
    signed = kind.element(-1).value < 0
    low, high = (-(2 ** (size - 1)), 2 ** (size - 1)) if signed else (0, 2**size)
    if all(low <= number < high for number in numbers):
        memory = to_memory(kind, numbers)
        assert memory.data is not None
        assert to_value(kind, memory.data, memory.shape) == numbers
    else:
        with pytest.raises(OverflowError, match="does not fit into"):
            to_memory(kind, numbers)


@given(st.lists(st.floats(allow_nan=False), max_size=9))
def test_floats_come_back(numbers: list[float]) -> None:
    kind = CType("c_double", is_pointer=True)
    memory = to_memory(kind, numbers)
    assert memory.data is not None
    assert to_value(kind, memory.data, memory.shape) == numbers


def test_other_kinds_of_memory() -> None:
    assert to_memory(CType("c_bool", shape=(3,)), [1, 0, True]) == Memory(b"\1\0\1", (3,))
    assert to_memory(CType("c_char"), "x") == Memory(b"x")
    assert to_memory(CType("c_char", shape=(4,)), "ab") == Memory(b"ab\0\0", (4,))
    assert to_memory(CType("c_void_p"), bytearray(b"ab")) == Memory(b"ab")
    assert to_memory(CType("c_int", is_pointer=True), None) == Memory(None)
    long = to_memory(CType("c_longdouble"), 2).data
    assert long is not None
    assert to_value(CType("c_longdouble"), long, ()) == 2
    assert blank(describe(ctypes.c_int * 3)) == Memory(bytes(12), (3,))
    pairs = to_memory(describe(POINTER(ctypes.c_short * 2)), [[1, 2], [3, 4], [5, 6]])
    assert pairs.shape == (3, 2)
    for kind, value in (
        (CType("c_char_p"), 7),
        (CType("c_void_p"), 7),
        (CType("c_int", shape=(1,)), 7),
    ):
        with pytest.raises(TypeError, match=r"takes (text|bytes|a list), not 7"):
            to_memory(kind, value)
    with pytest.raises(ValueError, match="takes 2 characters, not 3"):
        to_memory(CType("c_char", shape=(2,)), "abc")


@pytest.mark.parametrize("given", [ctypes.c_int, POINTER(ctypes.c_double), ctypes.c_long * 2 * 3])
def test_types_travel_as_text(given: Any) -> None:
    assert parse(str(describe(given))) == describe(given)


@pytest.mark.parametrize(
    "given", [int, "c_int", POINTER(POINTER(ctypes.c_int)), ctypes.py_object, ctypes.Structure]
)
def test_types_that_cannot_travel_are_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="is no argument type of a C lepton"):
        describe(given)


def test_what_is_no_code_of_a_type_is_refused() -> None:
    with pytest.raises(ValueError, match="not a C type: 'c_system'"):
        parse("c_system")


def test_nothing_of_the_library_stays_on_disk(library: Library) -> None:
    with library.on_disk() as path:
        assert path.read_bytes() == library.data
    assert not Path(path).exists()
