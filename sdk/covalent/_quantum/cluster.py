"""Several quantum executors that share circuits."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self
from weakref import WeakKeyDictionary

import cloudpickle
from pydantic import Field, PrivateAttr, field_validator

from covalent._quantum import selectors, turns
from covalent._quantum.executors.base import BaseQExecutor

_SERIALIZED = "cloudpickle:"


class _Owners:
    """Which executor a future came from."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Any, BaseQExecutor] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def add(self, futures: Sequence[Any], executor: BaseQExecutor) -> None:
        with self._lock:
            self._of.update(dict.fromkeys(futures, executor))

    def of(self, future: Any) -> BaseQExecutor:
        with self._lock:
            return self._of[future]

    def __reduce__(self) -> tuple[type[_Owners], tuple[()]]:
        return _Owners, ()


class QCluster(BaseQExecutor):
    """A cluster of quantum executors.

    Args:
        executors: A sequence of quantum executors.
        selector: A callable that selects an executor, or one of the strings "cyclic" or "random". The "cyclic"
            selector (default) cycles through `executors` and returns the next executor for each circuit. The "random"
            selector chooses an executor from `executors` at random for each circuit. Any user-defined selector must be
            callable with two positional arguments, a circuit and a list of executors. A selector must also return
            exactly one executor.

    """

    device: str = "default.qubit"
    executors: Sequence[BaseQExecutor] = Field(...)
    selector: str | Callable[..., Any] = "cyclic"
    _cyclic: selectors.Cyclic = PrivateAttr(default_factory=selectors.Cyclic)
    _owners: _Owners = PrivateAttr(default_factory=_Owners)

    @field_validator("executors")
    @classmethod
    def _has_executors(cls, executors: Sequence[BaseQExecutor]) -> Sequence[BaseQExecutor]:
        if not executors:
            raise ValueError("executors is empty: a QCluster needs at least one quantum executor")
        return executors

    @field_validator("selector")
    @classmethod
    def _selects(cls, selector: Any) -> Any:
        if not _is_serialized(selector):
            selectors.check(selector)
        return selector

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Any]:
        """Begin to run circuits, each on the executor that the selector chooses.

        Returns:
            A future for each, in their order.

        Raises:
            ValueError: the selector did not return exactly one executor.

        """
        with turns.choosing():
            chosen = self.choose(qscripts_list)
        futures: list[Any] = [None] * len(chosen)
        for executor, places in _grouped(chosen):
            begun = executor.batch_submit([qscripts_list[place] for place in places])
            self._owners.add(begun, executor)
            for place, future in zip(places, begun, strict=True):
                futures[place] = future
        return futures

    def batch_get_results(self, futures_list: Sequence[Any]) -> list[Any]:
        """Wait for circuits, each with the executor that runs it; results are in the order of the futures."""
        results: list[Any] = [None] * len(futures_list)
        for executor, places in _grouped([self._owners.of(each) for each in futures_list]):
            found = executor.batch_get_results([futures_list[place] for place in places])
            for place, result in zip(places, found, strict=True):
                results[place] = result
        return results

    def bound(self, **of_the_qnode: Any) -> Self:
        """A copy whose executors know the device of the QNode, too."""
        executors = [each.bound(**of_the_qnode) for each in self.executors]
        return self.model_copy(update={**of_the_qnode, "executors": executors})

    def choose(self, qscripts_list: Sequence[Any]) -> list[BaseQExecutor]:
        """The executor of each circuit."""
        select = self.get_selector()
        return [self._one(select(each, list(self.executors))) for each in qscripts_list]

    def get_selector(self) -> selectors.Selector:
        """Wraps `self.selector` to return defaults corresponding to string values.

        This method is called inside `batch_submit`.
        """
        selector = _loaded(self.selector)
        if callable(selector):
            return selector
        return {"cyclic": self._cyclic, "random": selectors.at_random}[selector]

    def serialize_selector(self) -> None:
        """Serializes the cluster's selector function. Names stay as they are."""
        if callable(self.selector):
            self.selector = (
                _SERIALIZED + base64.b64encode(cloudpickle.dumps(self.selector)).decode()
            )

    def deserialize_selector(self) -> str | Callable[..., Any]:
        """Deserializes the cluster's selector function."""
        self.selector = _loaded(self.selector)
        return self.selector

    def dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Custom dict method to create a hashable executors attribute."""
        values = self.model_dump(*args, **kwargs)
        return {**values, "executors": tuple(each.json_text() for each in self.executors)}

    def _one(self, chosen: Any) -> BaseQExecutor:
        if isinstance(chosen, BaseQExecutor):
            return chosen
        wrong = f"selector={self.selector!r} of QCluster returned {chosen!r}"
        raise ValueError(f"{wrong}: it must return exactly one quantum executor")


def _is_serialized(selector: Any) -> bool:
    return isinstance(selector, str) and selector.startswith(_SERIALIZED)


def _loaded(selector: Any) -> Any:
    if not _is_serialized(selector):
        return selector
    return cloudpickle.loads(base64.b64decode(selector.removeprefix(_SERIALIZED)))


def _grouped(executors: Sequence[BaseQExecutor]) -> Iterator[tuple[BaseQExecutor, list[int]]]:
    """Each executor with the places where it stands."""
    places: dict[int, list[int]] = {}
    for place, executor in enumerate(executors):
        places.setdefault(id(executor), []).append(place)
    return ((executors[found[0]], found) for found in places.values())
