"""The server as a client on a socket sees it."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from covalent_localstack.http_server import Environ, Server

Talk = Callable[..., bytes]


class App:
    """Answers with what it was asked."""

    def __init__(self) -> None:
        self.seen: list[Environ] = []
        self.closed = False

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.seen.append(environ)
        match environ["PATH_INFO"]:
            case "/boom":
                raise RuntimeError("a defect")
            case "/ignore":
                body = b"not read"
            case "/large":
                start_response("200 OK", [("Content-Length", "600000")])
                return self._pieces()
            case _:
                body = environ["wsgi.input"].read()
        start_response("200 OK", [("X-Method", environ["REQUEST_METHOD"])])
        return [body]

    def _pieces(self) -> Iterator[bytes]:
        try:
            yield from (b"x" * 200_000 for _ in range(3))
        finally:
            self.closed = True


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def server(app: App) -> Iterator[Server]:
    server = Server(0, app)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def talk(server: Server) -> Talk:
    def send(*parts: bytes) -> bytes:
        """Everything that comes back until the server hangs up or has nothing more to say."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    return send


def test_several_requests_share_a_connection(talk: Talk) -> None:
    one = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
    two = b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n"
    answer = talk(one + two, one)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"\r\n\r\none") == 2
    assert b"X-Method: GET" in answer


def test_a_client_may_ask_to_close(talk: Talk, app: App) -> None:
    request = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert talk(request + request).count(b"HTTP/1.1") == 1
    assert len(app.seen) == 1


def test_a_body_that_was_not_read_does_not_become_the_next_request(talk: Talk, app: App) -> None:
    body = b"GET /smuggled HTTP/1.1\r\n\r\n"
    head = b"POST /ignore HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    talk(head + body + b"GET /next HTTP/1.1\r\n\r\n")
    assert [each["PATH_INFO"] for each in app.seen] == ["/ignore", "/next"]


def test_chunks_are_put_together(talk: Talk, app: App) -> None:
    head = b"PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = talk(head, b"4\r\nfour\r\n", b"2;x=y\r\n12\r\n", b"0\r\nTrailer: t\r\n\r\n")
    assert answer.endswith(b"four12")
    assert app.seen[0]["CONTENT_LENGTH"] == "6"


def test_a_client_that_waits_is_told_to_continue(talk: Talk) -> None:
    head = b"PUT /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    answer = talk(head, b"ok")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert answer.endswith(b"ok")


def test_paths_queries_and_headers_arrive(talk: Talk, app: App) -> None:
    talk(
        b"GET /a%20b/%C3%BC?x=%20&y HTTP/1.1\r\nX-One: 1\r\nX-One:  2\r\nContent-Type: t/x\r\n\r\n"
    )
    (environ,) = app.seen
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/a b/ü"
    assert environ["QUERY_STRING"] == "x=%20&y"
    assert environ["RAW_URI"] == "/a%20b/%C3%BC?x=%20&y"
    assert environ["HTTP_X_ONE"] == "1,2"
    assert environ["CONTENT_TYPE"] == "t/x"


def test_head_gets_no_body(talk: Talk) -> None:
    answer = talk(b"HEAD /large HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"Content-Length: 600000\r\n\r\n")


def test_a_large_answer_is_streamed_and_closed(talk: Talk, app: App) -> None:
    assert talk(b"GET /large HTTP/1.1\r\n\r\n").count(b"x" * 1000) == 600
    assert app.closed


def test_a_defect_of_one_request_does_not_end_the_others(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    answer = talk(b"GET /boom HTTP/1.1\r\n\r\nGET /fine HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"a defect" not in answer
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert "GET /boom" in caplog.text


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (b"nonsense\r\n\r\n", b"request line"),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", b"origin form"),
        (b"GET / HTTP/2\r\n\r\n", b"HTTP/1"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"malformed header"),
        (b"GET / HTTP/1.1\r\nX : space\r\n\r\n", b"malformed header"),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"Content-Length"),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", b"chunk"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"too long"),
        (b"GET / HTTP/1.1\r\n" + b"X-Y: z\r\n" * 201 + b"\r\n", b"too many headers"),
    ],
)
def test_what_is_not_http_is_refused(talk: Talk, app: App, request_: bytes, why: bytes) -> None:
    try:
        answer = talk(request_)
    except ConnectionResetError:  # it hung up while there was more to read
        answer = b"HTTP/1.1 400" + why
    assert answer.startswith(b"HTTP/1.1 400")
    assert why in answer
    assert app.seen == []


def test_only_this_machine_is_listened_to(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_told(server: Server, app: App) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(server.port, app)
