"""What became of a try as one object, written where it ran and read by who records it."""

import os
from collections.abc import Iterator
from shutil import copyfileobj
from typing import BinaryIO

from covalent_contracts.errors import CorruptedObject
from covalent_contracts.ids import digest_of
from covalent_contracts.ticket import Part, Role, Verdict
from covalent_runner.execute import Computed, Execution
from covalent_runner.streams import Streams, digest_of_file


def write(file: BinaryIO, execution: Execution) -> None:
    """Write a verdict, and go back to its beginning."""
    values = list(_values(execution))
    streams = execution.streams.files
    parts = [part for part, _ in values]
    parts += [_stream(name, stream) for name, stream in streams.items()]
    file.write(Verdict(tuple(parts), execution.error, execution.reason).head())
    for _, data in values:
        file.write(data)
    for stream in streams.values():
        stream.seek(0)
        copyfileobj(stream, file)
    execution.streams.close()
    file.seek(0)


def read(file: BinaryIO) -> Execution:
    """Read a verdict.

    Raises:
        CorruptedObject: it is cut short or altered.

    """
    verdict, parts = Verdict.read(file)
    found: dict[Role, list[tuple[Part, bytes]]] = {}
    for part, data in parts:
        if part.digest and digest_of(data) != part.digest:
            raise CorruptedObject(f"the {part.role} of the try was altered on its way")
        found.setdefault(part.role, []).append((part, data))
    streams = Streams()
    for name, stream in streams.files.items():
        for _, data in found.get(name, ()):  # type: ignore[call-overload]  # its names are roles
            stream.write(data)
    return Execution(
        streams,
        data=b"".join(data for _, data in found.get("output", ())),
        before=[_computed(*each) for each in found.get("before", ())],
        after=[_computed(*each) for each in found.get("after", ())],
        error=verdict.error,
        reason=verdict.reason,
        attached=b"".join(data for _, data in found.get("attachments", ())),
    )


def _values(execution: Execution) -> Iterator[tuple[Part, bytes]]:
    if not execution.error:
        yield _part("output", execution.data)
    for light in execution.before:
        yield _part("before", light.data, light.node, light.error)
    for light in execution.after:
        yield _part("after", light.data, light.node, light.error)
    if execution.attached:
        yield _part("attachments", execution.attached)


def _part(role: Role, data: bytes | None, node: int = -1, error: str = "") -> tuple[Part, bytes]:
    if data is None:
        return Part(role, 0, "", node, error), b""
    return Part(role, len(data), digest_of(data), node), data


def _stream(name: str, file: BinaryIO) -> Part:
    return Part(name, file.seek(0, os.SEEK_END), digest_of_file(file))  # type: ignore[arg-type]  # a stream's name is a role


def _computed(part: Part, data: bytes) -> Computed:
    return Computed(part.node, data if part.digest else None, part.error)
