"""Several quantum executors that share circuits."""

import base64
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any, Self
from weakref import WeakKeyDictionary

from pydantic import Field, PrivateAttr, SerializeAsAny, field_serializer, field_validator
from pydantic.json_schema import SkipJsonSchema

from covalent._quantum import selectors, turns
from covalent._quantum.calls import begun, cancel_all, current, until_one_fails
from covalent._quantum.executors import named
from covalent._quantum.executors.base import BaseQExecutor
from covalent_contracts import pickling

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

    def __reduce__(self) -> tuple[type["_Owners"], tuple[()]]:
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
    executors: Sequence[SerializeAsAny[BaseQExecutor]] = Field(...)
    selector: str | SkipJsonSchema[Callable[..., Any]] = "cyclic"
    _cyclic: selectors.Cyclic = PrivateAttr(default_factory=selectors.Cyclic)
    _owners: _Owners = PrivateAttr(default_factory=_Owners)
    _originals: Sequence[BaseQExecutor] = PrivateAttr(default=())

    @field_validator("executors", mode="before")
    @classmethod
    def _made_from_settings(cls, executors: Any) -> Any:
        """Executors that were read from JSON are of the class that their `name` says."""
        if isinstance(executors, list | tuple):
            return [named.made(each) if isinstance(each, Mapping) else each for each in executors]
        return executors

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

    @field_serializer("selector", when_used="json")
    def _selector_as_text(self, selector: Any) -> str:
        return self._text_of(selector) if callable(selector) else str(selector)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Any]:
        """Begin to run circuits, each on the executor that the selector chooses.

        Returns:
            A future for each, in their order.

        Raises:
            ValueError: the selector did not return exactly one executor.

        """
        return self._submit(qscripts_list, lambda executor: executor.batch_submit)

    def batch_submit_derivatives(self, qscripts_list: Sequence[Any]) -> list[Any]:
        """Begin to differentiate circuits, each on the executor that the selector chooses."""
        return self._submit(qscripts_list, lambda executor: executor.batch_submit_derivatives)

    def gives_adjoint(self, qscript: Any) -> bool:
        """Whether any of the executors can differentiate the circuit, all on the same kind of device."""
        devices = {getattr(each, "device", None) for each in self.executors}
        return len(devices) == 1 and all(each.gives_adjoint(qscript) for each in self.executors)

    def execution_device(self) -> Any:
        """The device of the first executor."""
        return self.executors[0].execution_device()

    def overriding(self, shots: Any) -> Any:
        """The shots that take the place of a QNode's, if the executors agree; otherwise its own, for each to override.

        Raises:
            ValueError: they do not agree, and the QNode has a shot vector.

        """
        found = [each.overriding(shots) for each in self.executors]
        if all(each == found[0] for each in found):
            return found[0]
        if shots.has_partitioned_shots:
            raise ValueError(
                f"executors of {self.name} override shots differently ({_listed(found)}), which a shot "
                "vector does not allow: give all of them shots=0, or the same"
            )
        return shots

    def ran_by(self, future: Any) -> BaseQExecutor:
        """The executor that was chosen for a future."""
        return self._owners.of(future).ran_by(future)

    def batch_get_results(self, futures_list: Sequence[Any]) -> list[Any]:
        """Wait for circuits, each with the executor that runs it; results are in the order of the futures.

        Raises:
            Exception: the first error of an executor, as soon as it is there. The circuits of all are given up.

        """
        results: list[Any] = [None] * len(futures_list)
        owned = list(self._owned(futures_list))
        try:
            found = _side_by_side([partial(each.batch_get_results, own) for each, _, own in owned])
        except BaseException:
            self.give_up(futures_list)
            raise
        for (_, places, _), of_one in zip(owned, found, strict=True):
            for place, result in zip(places, of_one, strict=True):
                results[place] = result
        return results

    def give_up(self, futures_list: Sequence[Any]) -> None:
        """Nobody waits for these circuits any more: each executor gives up its own."""
        cancel_all(futures_list)  # at once, before one of them takes its time
        with ExitStack() as all_of_them:
            for executor, _, own in self._owned(futures_list):
                all_of_them.callback(executor.give_up, own)

    def bound(
        self, mcm: Mapping[str, Any] | None = None, any_wires: bool = False, **of_the_qnode: Any
    ) -> Self:
        """A copy whose executors know what the QNode says of its circuits, too."""
        executors = [each.bound(mcm, any_wires, **of_the_qnode) for each in self.executors]
        copied = super().bound(mcm, any_wires, **of_the_qnode, executors=executors)
        copied._originals = self.executors
        return copied

    def choose(self, qscripts_list: Sequence[Any]) -> list[BaseQExecutor]:
        """The executor of each circuit."""
        select = self.get_selector()
        return [self._one(select(each, list(self.executors))) for each in qscripts_list]

    def get_selector(self) -> selectors.Selector:
        """Wraps `self.selector` to return defaults corresponding to string values.

        This method is called inside `batch_submit`.
        """
        named_selectors: Mapping[Any, selectors.Selector] = {
            "cyclic": self._cyclic,
            "random": selectors.at_random,
        }
        selector = self._loaded()
        return named_selectors.get(selector, selector)

    def serialize_selector(self) -> None:
        """Serializes the cluster's selector function. Names stay as they are."""
        if callable(self.selector):
            self.selector = self._text_of(self.selector)

    def deserialize_selector(self) -> str | Callable[..., Any]:
        """Deserializes the cluster's selector function."""
        self.selector = self._loaded()
        return self.selector

    def shown(self) -> dict[str, Any]:
        """The cluster's settings, in which secrets are replaced by something that tells them apart."""
        settings = self.model_dump(exclude={"executors"})
        return {**settings, "executors": [each.shown() for each in self.executors]}

    def dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Custom dict method to create a hashable executors attribute."""
        values = self.model_dump(*args, **kwargs)
        return {**values, "executors": tuple(each.json_text() for each in self.executors)}

    def without_secrets(self, text: str) -> str:
        """A text from which what the executors keep secret is struck out."""
        for each in self.executors:
            text = each.without_secrets(text)
        return text

    def _text_of(self, selector: Any) -> str:
        """A selector as text, in which executors of the cluster are places: no copies, and nothing of their secrets."""
        data = pickling.dumps(selector, self._place)
        return _SERIALIZED + base64.b64encode(data).decode()

    def _loaded(self) -> Any:
        if not _is_serialized(self.selector):
            return self.selector
        data = base64.b64decode(str(self.selector).removeprefix(_SERIALIZED))
        return pickling.loads(data, self.executors.__getitem__)

    def _submit(
        self, qscripts_list: Sequence[Any], how: Callable[[BaseQExecutor], Any]
    ) -> list[Any]:
        with turns.choosing():
            current().check()
            chosen = self.choose(qscripts_list)
        futures: dict[int, Any] = {}
        try:
            for executor, places in _grouped(chosen):
                own = how(executor)([qscripts_list[place] for place in places])
                self._owners.add(own, executor)
                futures.update(zip(places, own, strict=True))
        except BaseException:
            self.give_up(list(futures.values()))
            raise
        return [futures[place] for place in range(len(chosen))]

    def _owned(
        self, futures: Sequence[Any]
    ) -> Iterator[tuple[BaseQExecutor, list[int], list[Any]]]:
        """Each executor with its futures, and the places where they stand."""
        for executor, places in _grouped([self._owners.of(each) for each in futures]):
            yield executor, places, [futures[place] for place in places]

    def _one(self, chosen: Any) -> BaseQExecutor:
        """The executor of this cluster that a selector means."""
        told = "a function" if _is_serialized(self.selector) else repr(self.selector)
        wrong = f"selector={told} of QCluster returned {chosen!r}"
        if not isinstance(chosen, BaseQExecutor):
            raise ValueError(f"{wrong}: it must return exactly one quantum executor")
        place = self._place(chosen)
        if place is None:
            place = self._place_of_its_like(chosen)
        if place is None:
            raise ValueError(
                f"{wrong}, which is not in the cluster: it must return one of the executors that it is given"
            )
        return self.executors[place]

    def _place(self, value: Any) -> int | None:
        """Where an executor stands, or stood before the executors were bound."""
        every = (*enumerate(self.executors), *enumerate(self._originals))
        return next((place for place, each in every if each is value), None)

    def _place_of_its_like(self, copied: BaseQExecutor) -> int | None:
        """Where an executor with the same settings stands: a selector of a module has copies where that is imported."""
        text = copied.json_text()
        every = (*enumerate(self.executors), *enumerate(self._originals))
        return next((place for place, each in every if each.json_text() == text), None)


def _is_serialized(selector: Any) -> bool:
    return isinstance(selector, str) and selector.startswith(_SERIALIZED)


def _grouped(executors: Sequence[BaseQExecutor]) -> Iterator[tuple[BaseQExecutor, list[int]]]:
    """Each executor with the places where it stands."""
    places: dict[int, list[int]] = {}
    for place, executor in enumerate(executors):
        places.setdefault(id(executor), []).append(place)
    return ((executors[found[0]], found) for found in places.values())


def _side_by_side(waits: Sequence[Callable[[], list[Any]]]) -> list[list[Any]]:
    """What each function returns; the first error of one is raised while the others still wait."""
    if len(waits) < 2:  # nobody to wait beside
        return [each() for each in waits]
    threads = ThreadPoolExecutor(len(waits), thread_name_prefix="qcluster")
    try:
        calls = [begun(threads, each) for each in waits]
        until_one_fails(calls)
        return [each.result() for each in calls]
    finally:
        threads.shutdown(wait=False)


def _listed(shots: Sequence[Any]) -> str:
    return ", ".join(str(each.total_shots) for each in shots)
