"""The Runtime API: who gets an invocation, and who its answer."""

import http.client
import threading
from collections.abc import Iterator

import pytest

from covalent_localstack.community.runtime_api import (
    VERSION,
    Answer,
    InitFailed,
    Request,
    RuntimeApi,
    deadline_in,
    error,
)

GONE = error("Runtime.ExitError", "gone")
REQUEST = Request("r1", "arn", b'{"a": 1}', "Root=1")


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    made = RuntimeApi()
    yield made
    made.end(GONE)


def ask(api: RuntimeApi, method: str, path: str, **options: object) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(api.address, timeout=30)
    connection.request(method, f"{VERSION}{path}", **options)  # type: ignore[arg-type]  # passed on
    return connection.getresponse()


def test_an_invocation_and_its_answer(api: RuntimeApi) -> None:
    waiting = api.submit(REQUEST, deadline_in(30))
    taken = ask(api, "GET", "/invocation/next")
    assert taken.read() == b'{"a": 1}'
    assert taken.headers["Lambda-Runtime-Aws-Request-Id"] == "r1"
    assert taken.headers["Lambda-Runtime-Trace-Id"] == "Root=1"
    assert api.ready.done()
    ask(api, "POST", "/invocation/r1/response", body=b"42")
    assert waiting.result(30) == Answer(b"42", is_error=False)


def test_an_answer_in_chunks(api: RuntimeApi) -> None:
    waiting = api.submit(REQUEST, deadline_in(30))
    chunks = iter([b"x" * 10, b"y" * 70_000])
    ask(api, "POST", "/invocation/r1/error", body=chunks, encode_chunked=True)
    assert waiting.result(30) == Answer(b"x" * 10 + b"y" * 70_000, is_error=True)


def test_an_answer_for_another_invocation_is_dropped(api: RuntimeApi) -> None:
    waiting = api.submit(REQUEST, deadline_in(30))
    assert ask(api, "POST", "/invocation/r0/response", body=b"late").status == 202
    assert not waiting.done()


def test_what_lambda_does_not_know(api: RuntimeApi) -> None:
    assert ask(api, "GET", "/invocation/previous").status == 404


def test_the_poll_of_a_dead_process_takes_nothing(api: RuntimeApi) -> None:
    statuses: list[int] = []
    poll = threading.Thread(
        target=lambda: statuses.append(ask(api, "GET", "/invocation/next").status)
    )
    poll.start()
    api.ready.result(30)
    api.end(GONE)
    poll.join(30)
    assert statuses == [410]
    assert api.submit(REQUEST, deadline_in(30)).result(0) == GONE


def test_who_waits_when_the_process_ends(api: RuntimeApi) -> None:
    waiting = api.submit(REQUEST, deadline_in(30))
    api.end(GONE)
    assert waiting.result(0) == GONE
    with pytest.raises(InitFailed) as caught:
        api.ready.result(0)
    assert caught.value.answer == GONE
