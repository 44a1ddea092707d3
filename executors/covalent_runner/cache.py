"""Immutable things kept in the process, bounded by bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """The most recently used values, `limit` bytes of them; one heavier than a quarter of that is not kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = Lock()
        self._held: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def get(self, key: Hashable) -> V | None:
        """The value under the key, if it is still held."""
        with self._lock:
            entry = self._held.get(key)
            if entry is None:
                return None
            self._held.move_to_end(key)
            return entry[0]

    def put(self, key: Hashable, value: V, weight: int) -> None:
        """Hold a value that weighs so many bytes, and let the oldest go where it gets too much."""
        if weight > self._limit // 4:
            return
        with self._lock:
            self.weight += weight - self._held.pop(key, (value, 0))[1]
            self._held[key] = (value, weight)
            while self.weight > self._limit:
                _, (_, freed) = self._held.popitem(last=False)
                self.weight -= freed
