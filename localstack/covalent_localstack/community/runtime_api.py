"""The Lambda Runtime API for one process.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

Each process gets a server of its own that ends with it. So a poll of a process that has been killed can never take
an invocation that was meant for its successor.
"""

import json
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any

VERSION = "/2018-06-01/runtime"


@dataclass(frozen=True)
class Request:
    """What LocalStack wants a function to do."""

    id: str
    function_arn: str
    payload: bytes
    trace: str = ""


@dataclass(frozen=True)
class Answer:
    """What the function said, or the error document in its place."""

    payload: bytes
    is_error: bool


class InitFailed(Exception):
    """The process could not load the handler, or ended before it was ready."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.payload.decode(errors="replace"))
        self.answer = answer


def error(kind: str, message: str) -> Answer:
    """An error document of Lambda itself, for what the handler cannot say any more."""
    return Answer(json.dumps({"errorType": kind, "errorMessage": message}).encode(), is_error=True)


class RuntimeApi:
    """Hands invocations to one process and takes its answers."""

    def __init__(self) -> None:
        self.ready: Future[None] = Future()
        self._waiting: SimpleQueue[tuple[Request, float] | None] = SimpleQueue()
        self._answers: dict[str, Future[Answer]] = {}
        self._lock = threading.Lock()
        self._ended: Answer | None = None
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """For AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_port}"

    def submit(self, request: Request, deadline: float) -> Future[Answer]:
        """Queue an invocation; `deadline` is in seconds since the epoch."""
        answer: Future[Answer] = Future()
        with self._lock:
            if self._ended is not None:
                answer.set_result(self._ended)
                return answer
            self._answers[request.id] = answer
        self._waiting.put((request, deadline))
        return answer

    def next(self) -> tuple[Request, float] | None:
        """Wait for an invocation; None when there will be no more."""
        _settle(self.ready)
        return self._waiting.get()

    def answered(self, request_id: str, answer: Answer) -> None:
        """The process has answered; an answer that nobody waits for is dropped."""
        with self._lock:
            waiting = self._answers.pop(request_id, None)
        if waiting is not None:
            waiting.set_result(answer)

    def init_failed(self, answer: Answer) -> None:
        """The process could not load the handler."""
        if not self.ready.done():
            self.ready.set_exception(InitFailed(answer))

    def end(self, answer: Answer) -> None:
        """The process is gone: `answer` is what everybody gets who waits or comes later."""
        with self._lock:
            if self._ended is not None:
                return
            self._ended = answer
            waiting, self._answers = list(self._answers.values()), {}
        self.init_failed(answer)
        for each in waiting:
            each.set_result(answer)
        self._waiting.put(None)  # the poll of the dead process
        self._server.shutdown()
        self._server.server_close()


def _settle(ready: Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Answer `invocation/next`, the only thing there is to get."""
        if self.path != f"{VERSION}/invocation/next":
            return self._send(404)
        found = self.server.api.next()
        if found is None:
            with suppress(ConnectionError):  # who polled is dead
                self._send(410)
            return None
        request, deadline = found
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request.id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": request.function_arn,
            "Lambda-Runtime-Trace-Id": request.trace,
            "Content-Type": "application/json",
        }
        return self._send(200, headers, request.payload)

    def do_POST(self) -> None:
        """Take an answer: `invocation/<id>/response`, `invocation/<id>/error` or `init/error`."""
        body = self._body()
        self._send(202, {"Content-Type": "application/json"}, b'{"status":"OK"}')
        match self.path.removeprefix(VERSION).split("/"):
            case ["", "init", "error"]:
                self.server.api.init_failed(Answer(body, is_error=True))
            case ["", "invocation", request_id, ("response" | "error") as kind]:
                self.server.api.answered(request_id, Answer(body, is_error=kind == "error"))

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length")
        if length is not None:
            return self.rfile.read(int(length))
        parts: list[bytes] = []  # awslambdaric sends large answers in chunks
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class' name
        """Say nothing: LocalStack logs invocations."""


def deadline_in(seconds: float) -> float:
    """The time at which an invocation that starts now must be done."""
    return time.time() + seconds
