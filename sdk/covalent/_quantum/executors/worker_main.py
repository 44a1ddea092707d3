"""What a process of a quantum executor runs: see `worker_process`. It is started as a file, without the package."""

import os
import pickle
import queue
import signal
import struct
import sys
import threading
import traceback
from typing import IO, Any

_HEAD = struct.Struct("!Q")


def main() -> None:
    """Answer frames until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; its end is ours
    source, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # nor may they, or their children, read our frames
    os.dup2(2, 1)  # what circuits print must not come between the answers
    sys.path[:] = pickle.loads(_frame(source))  # noqa: S301  # our own parent
    frames: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(source, frames), daemon=True).start()
    while True:
        answer = _answer(frames.get())
        answers.write(_HEAD.pack(len(answer)) + answer)
        answers.flush()


def _read(source: IO[bytes], frames: "queue.SimpleQueue[bytes]") -> None:
    while frame := _frame(source):
        frames.put(frame)
    os._exit(0)  # the parent is gone, or needs us no more, whatever we are doing


def _frame(source: IO[bytes]) -> bytes:
    head = source.read(_HEAD.size)
    return source.read(*_HEAD.unpack(head)) if len(head) == _HEAD.size else b""


def _answer(frame: bytes) -> bytes:
    import cloudpickle  # noqa: PLC0415  # found once the parent has told its path

    try:
        function, args, kwargs = pickle.loads(frame)  # noqa: S301  # our own parent
        return bytes(cloudpickle.dumps((function(*args, **kwargs), None)))
    except BaseException as exc:  # noqa: BLE001  # whatever it is, the parent raises it
        return _told(exc, traceback.format_exc())


def _told(exc: BaseException, text: str) -> bytes:
    import cloudpickle  # noqa: PLC0415  # as above

    try:
        told = cloudpickle.dumps((exc, text))
        pickle.loads(told)  # noqa: S301  # our own; some errors can be pickled and not read back
        return bytes(told)
    except Exception:  # noqa: BLE001  # an error that cannot travel: its words do
        other: Any = RuntimeError(f"{type(exc).__name__}: {exc}")
        return bytes(cloudpickle.dumps((other, text)))


main()
