"""Devices that were made before and have nothing to do now: to make one costs calls of AWS."""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any


class Devices:
    """Devices of one executor and its copies, each used by one thread at a time.

    They travel with the executor as nothing: in another process, also in one that was forked, they are made anew.
    """

    def __init__(self) -> None:
        self._idle: dict[Hashable, list[Any]] = defaultdict(list)
        self._once: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    @contextmanager
    def borrowed(self, kind: Hashable, make: Callable[[], Any]) -> Iterator[Any]:
        """A device of a kind, for the block.

        Args:
            kind: what tells it from devices that were made otherwise.
            make: makes one, if none is idle.

        """
        place = (os.getpid(), kind)
        with self._lock:
            idle = self._idle[place]
            device = idle.pop() if idle else None
        device = device or make()
        try:
            yield device
        finally:
            with self._lock:
                self._idle[place].append(device)

    def one(self, kind: Hashable, make: Callable[[], Any]) -> Any:
        """What all devices of a kind share."""
        place = (os.getpid(), kind)
        with self._lock:
            if place not in self._once:
                self._once[place] = make()
            return self._once[place]

    def __reduce__(self) -> tuple[type["Devices"], tuple[()]]:
        return Devices, ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Devices)  # settings alone tell executors apart

    __hash__ = object.__hash__
