"""Few processes for many invocations."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from covalent_localstack.community import pool
from covalent_localstack.community.pool import Limits, Pool
from covalent_localstack.community.runtime_api import Answer, Request

LIMITS = Limits(seconds=3, memory=256)


@dataclass(eq=False)
class Double:
    """A process that counts; a payload of `die` ends it."""

    began: threading.Event | None = None
    go_on: threading.Event | None = None
    runs: int = 0
    is_alive: bool = True
    is_closed: bool = False
    _busy: threading.Lock = field(default_factory=threading.Lock)

    def run(self, request: Request, seconds: float) -> Answer:
        assert self._busy.acquire(blocking=False), "two invocations in one process"
        self.runs += 1
        if self.began and self.go_on:
            self.began.set()
            self.go_on.wait(30)
        self.is_alive = request.payload != b"die"
        self._busy.release()
        return Answer(request.payload, is_error=False)

    def output(self) -> str:
        return "printed"

    def close(self) -> None:
        self.is_closed = True
        self.is_alive = False


def request(payload: bytes = b"1") -> Request:
    return Request("r1", "arn", payload)


class Factory:
    """Makes doubles, and keeps them."""

    def __init__(
        self, began: threading.Event | None = None, go_on: threading.Event | None = None
    ) -> None:
        self.made: list[Double] = []
        self._events = began, go_on

    def __call__(self) -> Double:
        self.made.append(Double(*self._events))
        return self.made[-1]


def test_one_after_the_other_share_a_process() -> None:
    factory = Factory()
    used = Pool(factory, LIMITS, 4)
    for _ in range(5):
        used.run(request())
    assert [each.runs for each in factory.made] == [5]


@given(st.lists(st.sampled_from([b"1", b"die"]), max_size=30), st.integers(1, 4))
def test_there_are_never_more_processes_than_allowed(payloads: list[bytes], workers: int) -> None:
    factory = Factory()
    used = Pool(factory, LIMITS, workers)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda payload: used.run(request(payload)), payloads))
    assert [each.answer.payload for each in answers] == payloads
    assert sum(each.is_alive for each in factory.made) <= workers
    assert sum(each.runs for each in factory.made) == len(payloads)
    assert all(each.is_closed for each in factory.made if not each.is_alive)


def test_a_dead_process_is_replaced() -> None:
    factory = Factory()
    used = Pool(factory, LIMITS, 1)
    used.run(request(b"die"))
    assert used.run(request()).answer.payload == b"1"
    assert [each.is_closed for each in factory.made] == [True, False]


def test_closing_ends_busy_processes_too() -> None:
    began, go_on = threading.Event(), threading.Event()
    factory = Factory(began, go_on)
    used = Pool(factory, LIMITS, 1)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(used.run, request())
        began.wait(30)
        used.close()
        assert factory.made[0].is_closed
        go_on.set()
        running.result(30)
    assert b"deleted or updated" in used.run(request()).answer.payload


def test_the_log_is_as_lambda_writes_it() -> None:
    log = Pool(Factory(), LIMITS, 1).run(request()).log.splitlines()
    assert log[:3] == ["START RequestId: r1 Version: $LATEST", "printed", "END RequestId: r1"]
    assert log[3].startswith("REPORT RequestId: r1\tDuration: ")
    assert log[3].endswith("\tMemory Size: 256 MB")


def test_an_answer_that_lambda_would_not_return() -> None:
    used = Pool(Factory(), LIMITS, 1)
    assert not used.run(request(b"x" * pool.MAX_ANSWER)).answer.is_error
    answer = used.run(request(b"x" * (pool.MAX_ANSWER + 1))).answer
    assert answer.is_error
    assert b"Function.ResponseSizeTooLarge" in answer.payload
