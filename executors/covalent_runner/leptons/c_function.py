"""A function of a C library, called in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from covalent_runner.errors import LeptonFailed
from covalent_runner.leptons import c_process
from covalent_runner.leptons.c_types import CType, parse
from covalent_runner.leptons.c_values import Memory, blank, to_memory, to_value
from covalent_runner.leptons.library import Library


class Role(IntEnum):
    """What becomes of an argument."""

    INPUT = 0
    OUTPUT = 1
    INPUT_OUTPUT = 2


@dataclass(frozen=True)
class Argument:
    """One argument of a C function: the code of its type (`c_types`), and its role."""

    type: str
    role: Role


@dataclass(frozen=True)
class CFunction:
    """Calls a function of a library that came along, or that the system's loader finds by its name."""

    function: str
    arguments: tuple[Argument, ...]
    name: str = ""
    library: Library | None = None
    title: str = ""

    @property
    def __name__(self) -> str:
        """The name of the node."""
        return self.title or self.function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it with its arguments in order; those that are outputs only may be left out, all of them.

        Returns:
            None without outputs, the value of one, a tuple of several.

        Raises:
            TypeError: the arguments are not those of the lepton.
            LeptonFailed: it crashed, wrote where it must not, or is not there.

        """
        self.check(args, kwargs)
        kinds = [parse(each.type) for each in self.arguments]
        memory = [
            self._memory(index, kind, value)
            for index, (kind, value) in enumerate(zip(kinds, self._spread(args), strict=True))
        ]
        back = [i for i, each in enumerate(self.arguments) if each.role is not Role.INPUT]
        found = self._called(kinds, memory, back)
        values = tuple(
            None
            if memory[index].data is None
            else to_value(kinds[index], data, memory[index].shape)
            for index, data in zip(back, found, strict=True)
        )
        return values[0] if len(values) == 1 else values or None

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Refuse what is not a call of the function.

        Raises:
            TypeError: there are keywords, or too many or too few arguments.

        """
        if kwargs:
            raise TypeError(f"C functions take no keyword arguments: {', '.join(kwargs)}")
        few, many = len(self._given()), len(self.arguments)
        if len(args) not in (few, many):
            wanted = str(few) if few == many else f"{few}, or {many} with its outputs"
            raise TypeError(
                f"the C function {self.function} takes {wanted} arguments, not {len(args)}"
            )

    def _given(self) -> list[int]:
        return [i for i, each in enumerate(self.arguments) if each.role is not Role.OUTPUT]

    def _spread(self, args: Sequence[Any]) -> Iterator[Any]:
        """A value for each argument, None for an output that was left out."""
        if len(args) == len(self.arguments):
            return iter(args)
        given = dict(zip(self._given(), args, strict=True))
        return (given.get(index) for index in range(len(self.arguments)))

    def _memory(self, index: int, kind: CType, value: Any) -> Memory:
        if value is None and self.arguments[index].role is Role.OUTPUT:
            return blank(kind)
        try:
            return to_memory(kind, value)
        except (TypeError, ValueError, OverflowError) as exc:
            raise type(exc)(
                f"argument {index + 1} of the C function {self.function}: {exc}"
            ) from exc

    def _called(
        self, kinds: Sequence[CType], memory: Sequence[Memory], back: Sequence[int]
    ) -> list[bytes]:
        with ExitStack() as stack:
            where = (
                self.name
                if self.library is None
                else str(stack.enter_context(self.library.on_disk()))
            )
            call = {
                "library": where,
                "function": self.function,
                "arguments": [
                    {
                        "type": kind.name,
                        "memory": kind.is_memory,
                        "size": None if each.data is None else len(each.data),
                    }
                    for kind, each in zip(kinds, memory, strict=True)
                ],
                "back": list(back),
            }
            data = b"".join(each.data or b"" for each in memory)
            status, answer = _in_a_process(json.dumps(call).encode() + b"\n" + data)
        return self._read(status, answer)

    def _read(self, status: int, answer: bytes) -> list[bytes]:
        head, _, data = answer.partition(b"\n")
        what = f"the C function {self.function} of {self.name or getattr(self.library, 'name', '')}"
        if not head:
            raise LeptonFailed(
                f"{what} {_ending(status)}. Its argtypes must be what the function takes, and its arrays as long as "
                "it reads and writes"
            )
        document = json.loads(head)
        if "error" in document:
            raise LeptonFailed(f"{what} failed: {document['error']}")
        return list(_cut(data, document["sizes"]))


def _cut(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size


def _in_a_process(request: bytes) -> tuple[int, bytes]:
    """Exit status and answer of the child. It inherits standard output and error, where C may print."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as answer:
        try:
            command = [sys.executable, "-I", "-S", str(c_process.__file__), str(writing)]
            child = subprocess.Popen(  # noqa: S603  # our own interpreter and script
                command, stdin=subprocess.PIPE, pass_fds=[writing]
            )
        finally:
            os.close(writing)
        with child:
            if child.stdin is not None:
                with suppress(BrokenPipeError), child.stdin:
                    child.stdin.write(request)
            found = answer.read()
    return child.returncode, found


def _ending(status: int) -> str:
    if status < 0:
        return f"crashed: {(signal.strsignal(-status) or f'signal {-status}').lower()}"
    return f"ended its process with exit status {status}"
