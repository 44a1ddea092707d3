"""Quantum executors that need no PennyLane: a circuit is any value, and its result tells who ran it."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from pydantic import Field

from covalent._quantum.executors.base import BaseQExecutor


class Echo(BaseQExecutor):
    """Answers with its label and the circuit."""

    label: str = ""

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[Any]]:
        return [_done((self.label, each)) for each in qscripts_list]


class Counting(Echo):
    """Remembers how it was asked for results."""

    def batch_get_results(self, futures_list: Sequence[Any]) -> list[Any]:
        return [(len(futures_list), *found) for found in super().batch_get_results(futures_list)]


def _done(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


class Slow(BaseQExecutor):
    """Its circuits go on until they are given up; "fails" fails at once. `given_up` tells which it was asked to."""

    given_up: list[Any] = Field(default_factory=list)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[Any]]:
        return [self._begun(each) for each in qscripts_list]

    def give_up(self, futures_list: Sequence[Any]) -> None:
        super().give_up(futures_list)
        self.given_up.append(list(futures_list))

    def _begun(self, circuit: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if circuit == "fails":
            future.set_exception(ZeroDivisionError("no circuit"))
        return future
