"""What an electron writes to stdout and stderr, caught at the file descriptors.

So the output of child processes and of C libraries is caught as well, and it lies in files, however long it gets.
Descriptors belong to the process: two captures never run at once.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import file_digest
from io import BufferedRandom
from threading import RLock
from types import MappingProxyType
from typing import BinaryIO, TextIO

from covalent_contracts import keys, records
from covalent_runner.store import Store

_DESCRIPTORS = MappingProxyType({"stdout": 1, "stderr": 2})
_LONGEST_CHARACTER = 4
_ONE_AT_A_TIME = RLock()
_writers: dict[str, TextIO] = {}
_electron_handlers: list[logging.Handler] = []


class Streams:
    """Two files, to be read once the capture is over."""

    def __init__(self) -> None:
        self.files = {name: _file() for name in _DESCRIPTORS}

    def close(self) -> None:
        """Forget what was written."""
        for file in self.files.values():
            file.close()

    def text(self, name: str) -> str | None:
        """What was written to a stream, if it is short enough for a record."""
        file = self.files[name]
        if file.seek(0, os.SEEK_END) > records.INLINE_STREAM * _LONGEST_CHARACTER:
            return None
        file.seek(0)
        text = file.read().decode(errors="replace")
        return text if len(text) <= records.INLINE_STREAM else None

    def so_far(self, name: str) -> str:
        """What was written to a stream until now, while it may be written to."""
        _flush(sys.stdout, sys.stderr, *_writers.values())
        descriptor = self.files[name].fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")

    def save(self, store: Store, dispatch_id: str, node: int) -> dict[str, str]:
        """Store what is too long for a record.

        Returns:
            The record's attributes: `stdout` or `stdout_key`, `stderr` or `stderr_key`; none for an empty stream.

        """
        attributes: dict[str, str] = {}
        for name, file in self.files.items():
            text = self.text(name)
            if text:
                attributes[name] = text
            elif text is None:
                key = keys.stream(dispatch_id, node, name, digest_of_file(file))
                file.seek(0)
                store.put(key, file)
                attributes[f"{name}_key"] = key
        return attributes


def digest_of_file(file: BinaryIO) -> str:
    """The SHA-256 of all that is in a file."""
    file.seek(0)
    return file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # what it needs is there


def _file() -> BufferedRandom:
    return tempfile.TemporaryFile()


@contextmanager
def captured() -> Iterator[Streams]:
    """Send everything written inside the block to files; afterwards all is as it was."""
    with _ONE_AT_A_TIME:
        streams = Streams()
        python_level = sys.stdout, sys.stderr
        _flush(*python_level)
        originals = {name: _redirect(name, streams.files[name]) for name in _DESCRIPTORS}
        sys.stdout, sys.stderr = _writer("stdout"), _writer("stderr")
        try:
            with _own_log_handlers():
                yield streams
        finally:
            _flush(sys.stdout, sys.stderr, *_writers.values())
            sys.stdout, sys.stderr = python_level
            for name, original in originals.items():
                os.dup2(original, _DESCRIPTORS[name])
                os.close(original)


def write_error(text: str) -> None:
    """Append to the stderr that is captured, whatever user code has put in the place of `sys.stderr`."""
    _flush(sys.stdout, sys.stderr, *_writers.values())
    with os.fdopen(os.dup(_DESCRIPTORS["stderr"]), "wb") as file:
        file.write(text.encode(errors="replace"))


def _redirect(name: str, file: BinaryIO) -> int:
    descriptor = _DESCRIPTORS[name]
    try:
        original = os.dup(descriptor)
    except OSError:  # the process was started with the descriptor closed
        original = os.open(os.devnull, os.O_WRONLY)
    os.dup2(file.fileno(), descriptor)
    return original


def _writer(name: str) -> TextIO:
    """The one text stream on the descriptor: log handlers that keep it stay valid in later electrons."""
    writer = _writers.get(name)
    if writer is None or writer.closed:
        descriptor = _DESCRIPTORS[name]
        writer = open(  # noqa: SIM115  # lives as long as the process
            descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
        )
        _writers[name] = writer
    return writer


@contextmanager
def _own_log_handlers() -> Iterator[None]:
    """Set the host's root log handlers aside: Lambda's write past stderr and turn `basicConfig` into a no-op."""
    root = logging.getLogger()
    host = root.handlers[:]
    root.handlers[:] = _electron_handlers
    try:
        yield
    finally:
        _electron_handlers[:] = root.handlers
        root.handlers[:] = host


def _flush(*writers: TextIO | None) -> None:
    for writer in writers:
        with suppress(Exception):
            if writer is not None:
                writer.flush()
    _flush_c()()


@cache
def _flush_c() -> Callable[[], object]:
    """C's own buffers: what a C library printed must not turn up in a later electron."""
    import ctypes  # noqa: PLC0415  # 5 ms that a duplicate delivery need not pay

    try:
        fflush = ctypes.CDLL(None).fflush
    except (OSError, AttributeError):
        return lambda: None
    return lambda: fflush(None)
