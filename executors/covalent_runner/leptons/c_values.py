"""Python values to memory as C has it, and back. Whatever does not fit is refused, never cut."""

import ctypes
import math
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from covalent_runner.leptons.c_types import ADDRESS, TEXT, CType

_NULL = b"\0"
_CODES = "bBhHiIlLqQfd"
_TEXTS = (str, bytes, bytearray)


@dataclass(frozen=True)
class Memory:
    """What C finds at an address, or gets itself; None is the null pointer. A single value has the shape ()."""

    data: bytes | None
    shape: tuple[int, ...] = ()


def to_memory(kind: CType, value: Any) -> Memory:
    """The memory that an argument needs.

    Raises:
        TypeError: the value is of another type.
        ValueError: an array has another length.
        OverflowError: a number does not fit.

    """
    if kind.name in (TEXT, ADDRESS):
        return _opaque(kind, value)
    if value is None and kind.is_pointer:
        return Memory(None)
    if kind.name == "c_char" and isinstance(value, _TEXTS) and kind.is_writable:
        return _characters(kind, value)
    if kind.shape or (kind.is_pointer and _is_sequence(value)):
        return _array(kind, value)
    return Memory(_numbers(kind, [value]))


def blank(kind: CType) -> Memory:
    """Zeros for an argument that C fills in."""
    return Memory(bytes(ctypes.sizeof(kind.element) * math.prod(kind.shape)), kind.shape)


def to_value(kind: CType, data: bytes, shape: Sequence[int]) -> Any:
    """What lies in memory: a number, or lists of them; for characters the bytes before the first NUL."""
    if kind.name == "c_char" and len(shape) == 1:
        return data.partition(_NULL)[0]
    numbers = (kind.element * (len(data) // ctypes.sizeof(kind.element))).from_buffer_copy(data)
    return _nested(list(numbers), shape)


def _nested(numbers: list[Any], shape: Sequence[int]) -> Any:
    if not shape:
        return numbers[0]
    if len(shape) == 1:
        return numbers
    step = math.prod(shape[1:])
    return [_nested(numbers[at : at + step], shape[1:]) for at in range(0, len(numbers), step)]


def _opaque(kind: CType, value: Any) -> Memory:
    if value is None:
        return Memory(None)
    if kind.name == TEXT and isinstance(value, str | bytes):
        text = value.encode() if isinstance(value, str) else value
        return Memory(text + _NULL)
    if kind.name == ADDRESS and not isinstance(value, int | str):
        with suppress(TypeError):
            return Memory(memoryview(value).tobytes())
    raise TypeError(f"{kind} takes {'text' if kind.name == TEXT else 'bytes'}, not {value!r}")


def _is_sequence(value: Any) -> bool:
    if isinstance(value, str):
        return False
    return isinstance(value, Sequence | array | bytearray | memoryview) or bool(
        getattr(value, "shape", ())
    )


def _array(kind: CType, value: Any) -> Memory:
    if not _is_sequence(value):
        raise TypeError(f"{kind} takes a list, not {value!r}")
    shape = _shape_of(value)
    if kind.shape and shape != kind.shape:
        if kind.is_pointer and shape[1:] == kind.shape:
            return Memory(_numbers(kind, value), shape)  # several arrays one after the other
        raise ValueError(f"{kind} takes {_sizes(kind.shape)} numbers, not {_sizes(shape)}")
    return Memory(_numbers(kind, value), shape)


def _characters(kind: CType, value: str | bytes | bytearray) -> Memory:
    text = value.encode() if isinstance(value, str) else bytes(value)
    if len(kind.shape) > 1 or (kind.shape and len(text) > kind.shape[0]):
        raise ValueError(f"{kind} takes {_sizes(kind.shape)} characters, not {len(text)}")
    text = text.ljust(kind.shape[0], _NULL) if kind.shape else text + _NULL
    return Memory(text, (len(text),))


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _shape_of(value: Any) -> tuple[int, ...]:
    """The lengths of nested sequences, of which those at one depth are equally long."""
    if shape := getattr(value, "shape", None):
        return tuple(shape)
    if not _is_sequence(value):
        return ()
    inner = {_shape_of(each) for each in value} if any(map(_is_sequence, value)) else {()}
    if len(inner) > 1:
        raise ValueError("the lists in an array must be equally long")
    return (len(value), *inner.pop())


def _numbers(kind: CType, value: Any) -> bytes:
    """Numbers one after the other. `array` looks at the type and the range of each, which ctypes does not."""
    flat = value.tolist() if hasattr(value, "tolist") else list(value)
    while flat and _is_sequence(flat[0]):
        flat = [number for inner in flat for number in inner]
    try:
        return _packed(kind, flat)
    except OverflowError as exc:
        raise OverflowError(f"{_culprit(kind, flat)!r} does not fit into {kind.name}") from exc
    except TypeError as exc:
        raise TypeError(f"{_culprit(kind, flat)!r} cannot be a {kind.name}") from exc


def _packed(kind: CType, numbers: Sequence[Any]) -> bytes:
    if kind.name == "c_char":
        return bytes((kind.element * len(numbers))(*map(_character, numbers)))
    if kind.name == "c_bool":
        return bytes((kind.element * len(numbers))(*map(bool, numbers)))
    if kind.name == "c_longdouble":
        return bytes((kind.element * len(numbers))(*map(float, numbers)))
    return array(_code(kind.element), numbers).tobytes()


def _character(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _code(element: Any) -> str:
    """The type code of `array` for a number, which is that of ctypes."""
    code = str(element._type_)
    if code not in _CODES:
        raise TypeError(f"{element.__name__} is no number")
    return code


def _culprit(kind: CType, numbers: Sequence[Any]) -> Any:
    return next(_refused(kind, numbers), numbers)


def _refused(kind: CType, numbers: Sequence[Any]) -> Iterator[Any]:
    for number in numbers:
        try:
            _packed(kind, [number])
        except (OverflowError, TypeError):
            yield number
