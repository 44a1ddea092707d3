"""The child process that calls one C function; the other end is `c_function`.

On standard input: a line of JSON, then the memory of each argument. Back through the file descriptor that is named on
the command line: the same. Imports the standard library only, and knows nothing of where it lies.
"""

import ctypes
import json
import os
import resource
import sys
from typing import IO, Any

_GUARD = b"\xa5\x5a" * 64
"""Behind the memory of each argument: if it has changed, C has written past the end."""


class _Refused(Exception):
    """The call cannot be made, or went wrong."""


class _Argument:
    """An argument in memory that C may write to, with a guard behind it."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        words = -(-(self.size + len(_GUARD)) // 8)
        self.words = (ctypes.c_uint64 * words)()  # aligned as malloc aligns
        ctypes.memmove(self.words, data + _GUARD, self.size + len(_GUARD))

    def read(self) -> bytes:
        whole = ctypes.string_at(self.words, self.size + len(_GUARD))
        if not whole.endswith(_GUARD):
            raise _Refused(f"it wrote past the end of an argument of {self.size} bytes")
        return whole[: self.size]


def _prepared(argument: dict[str, Any], request: IO[bytes]) -> Any:
    """What ctypes shall pass: an address, None, or a number."""
    if argument["size"] is None:
        return None
    data = request.read(argument["size"])
    if argument["memory"]:
        return _Argument(data)
    return getattr(ctypes, argument["type"]).from_buffer_copy(data)


def _function(library: str, name: str) -> Any:
    try:
        found = getattr(ctypes.CDLL(library), name)
    except OSError as exc:
        raise _Refused(f"its library cannot be loaded: {exc}") from exc
    except AttributeError as exc:
        raise _Refused("there is no such function in the library") from exc
    found.restype = None
    return found


def _called(call: dict[str, Any], request: IO[bytes]) -> list[bytes]:
    arguments = [_prepared(each, request) for each in call["arguments"]]
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    function = _function(call["library"], call["function"])
    pairs = list(zip(call["arguments"], arguments, strict=True))
    function.argtypes = [
        ctypes.c_void_p if each["memory"] else getattr(ctypes, each["type"]) for each, _ in pairs
    ]
    function(*[made.words if isinstance(made, _Argument) else made for made in arguments])
    ctypes.CDLL(None).fflush(None)
    back = {
        index: made.read() for index, made in enumerate(arguments) if isinstance(made, _Argument)
    }
    return [back.get(index, b"") for index in call["back"]]


def main() -> None:
    """Read a call, make it, answer, and end without running what the library has registered for the end."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is told, not kept
    request = open(0, "rb", closefd=False)  # noqa: SIM115  # lives as long as the process
    call = json.loads(request.readline())
    try:
        memory = _called(call, request)
        head: dict[str, Any] = {"sizes": [len(each) for each in memory]}
    except (_Refused, ctypes.ArgumentError) as exc:
        memory, head = [], {"error": str(exc)}
    with os.fdopen(int(sys.argv[1]), "wb") as answer:
        answer.write(json.dumps(head).encode() + b"\n" + b"".join(memory))
    os._exit(0)


if __name__ == "__main__":
    main()
