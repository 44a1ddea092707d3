"""The short way to DynamoDB: against moto's real server, and against servers that misbehave."""

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zlib import crc32

import boto3
import pytest
from moto.server import ThreadedMotoServer

from covalent_contracts.status import Status
from covalent_runner import aws_clients, aws_items, aws_table
from covalent_runner.aws_direct import MOST_FAILURES, Direct
from covalent_runner.aws_store import AwsStore
from covalent_runner.http_post import Answer, Poster
from covalent_runner.store import Outcome, Output

from .conftest import DISPATCH_ID

SESSION = boto3.session.Session("key", "secret", "session-token", region_name="us-east-1")
BINARY = bytes(range(256))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def client_of(url: str) -> Any:
    return SESSION.client("dynamodb", endpoint_url=url, config=aws_clients.config())


@pytest.fixture
def table(endpoint: str) -> Iterator[aws_table.Table]:
    client = client_of(endpoint)
    names = {"pk": "HASH", "sk": "RANGE"}
    client.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        BillingMode="PAY_PER_REQUEST",
    )
    yield aws_table.Table(Refusing(client), "t", Direct(SESSION, client))  # type: ignore[arg-type]
    client.delete_table(TableName="t")


class Refusing:
    """A client that lets through what must be its business only."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.allowed: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name not in self.allowed:
            raise AssertionError(f"{name} took the long way")
        return getattr(self._client, name)


def item(node: int) -> dict[str, Any]:
    return {**aws_items.node_key(DISPATCH_ID, node), "status": {"S": "RUNNING"}}


def test_records_come_back_as_they_were_written(table: aws_table.Table) -> None:
    table.put(aws_items.put(item(1) | {"output": {"B": BINARY}}, aws_items.UNRECORDED))
    assert table.batch([aws_items.node_key(DISPATCH_ID, node) for node in (1, 2)]) == [
        {"sk": item(1)["sk"], "status": {"S": "RUNNING"}, "output": {"B": BINARY}}
    ]
    key = aws_items.node_key(DISPATCH_ID, 1)
    found = table.update(aws_items.update(key, {"x": {"N": "1"}}), ReturnValues="ALL_NEW")
    assert found == {**item(1), "output": {"B": BINARY}, "x": {"N": "1"}}


def test_an_attribute_called_b_is_no_binary(table: aws_table.Table) -> None:
    key = aws_items.node_key(DISPATCH_ID, 1)
    found = table.update(aws_items.update(key, {"B": {"S": "text"}}), ReturnValues="ALL_NEW")
    assert found["B"] == {"S": "text"}


def test_a_condition_that_does_not_hold_is_told_by_botocore(table: aws_table.Table) -> None:
    request = aws_items.put(item(1), aws_items.UNRECORDED)
    table.put(request)
    vars(table)["_client"].allowed = {"put_item"}
    with pytest.raises(aws_table.Lost) as lost:
        table.put(request, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert lost.value.item == item(1)


OK = b"HTTP/1.1 200 OK\r\nX-Amz-Crc32: %d\r\nContent-Length: 2\r\n\r\n{}" % crc32(b"{}")


@contextmanager
def answering(*answers: bytes, hang_up: bool = False) -> Iterator[tuple[str, Sequence[bytes]]]:
    """A server that gives these answers; with `hang_up`, each on a connection that it then closes."""
    requests: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        rest = list(answers)
        while rest:
            connection, _ = listener.accept()
            with connection:
                while rest and (request := connection.recv(65536)):
                    requests.append(request)
                    connection.sendall(rest.pop(0))
                    if hang_up:
                        break

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        OK.replace(b"{}", b"[]"),
        OK.replace(b"200", b"400"),
        OK.replace(b"200", b"503"),
    ],
)
def test_what_is_no_whole_success_is_left_to_botocore(answer: bytes) -> None:
    with answering(answer, hang_up=True) as (url, _):
        assert Direct(SESSION, client_of(url)).answer("put_item", {}) is None


def test_nobody_there_is_left_to_botocore() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert Direct(SESSION, client_of(url)).answer("put_item", {}) is None


class Line:
    """A poster whose requests fail or not, as told."""

    def __init__(self, *fates: Exception | int) -> None:
        self.fates = list(fates)

    def post(self, *_: Any) -> Answer:
        fate = self.fates.pop(0)
        if isinstance(fate, Exception):
            raise fate
        return Answer(fate, {}, b"{}")


def _direct(line: Line) -> Direct:
    direct = Direct(SESSION, client_of("http://127.0.0.1:9"))
    vars(direct)["_poster"] = line
    return direct


@pytest.mark.parametrize("fault", [ssl.SSLCertVerificationError(), ValueError("no length")])
def test_after_several_failures_in_a_row_the_direct_way_is_not_tried_again(
    fault: Exception,
) -> None:
    line = Line(*[fault] * MOST_FAILURES, 200)
    direct = _direct(line)
    assert [direct.answer("put_item", {}) for _ in range(MOST_FAILURES + 2)] == [None] * (
        MOST_FAILURES + 2
    )
    assert line.fates == [200]  # never asked for


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_in_between_keeps_the_direct_way_open(status: int) -> None:
    few: list[Exception | int] = [ConnectionResetError() for _ in range(MOST_FAILURES - 1)]
    line = Line(*few, status, *few, 200)
    direct = _direct(line)
    answers = [direct.answer("put_item", {}) for _ in range(2 * len(few) + 2)]
    assert not line.fates
    assert answers[-1] == {}


def test_a_proxy_is_left_to_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with answering() as (url, requests):
        assert Direct(SESSION, client_of(url)).answer("put_item", {}) is None
    assert not requests


def test_a_request_is_signed_with_the_session_token() -> None:
    with answering(OK) as (url, requests):
        assert Direct(SESSION, client_of(url)).answer("put_item", {"TableName": "t"}) == {}
    [request] = requests
    assert b"X-Amz-Target: DynamoDB_20120810.PutItem\r\n" in request
    assert b"X-Amz-Security-Token: session-token\r\n" in request
    assert (
        b"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target" in request
    )
    assert request.endswith(b'\r\n\r\n{"TableName": "t"}')


def test_a_connection_is_used_again_until_the_other_side_closes_it() -> None:
    for hang_up in (False, True):
        with answering(OK, OK, OK, hang_up=hang_up) as (url, _):
            poster = Poster(url)
            for _ in range(3):
                assert poster.post({}, b"{}").body == b"{}"
                [held] = vars(poster)["_idle"]
                if hang_up:
                    held.socket.settimeout(5)
                    assert held.socket.recv(1, socket.MSG_PEEK) == b""  # the end has arrived
            vars(poster)["_idle"].pop().close()


class Counting:
    """Counts the batches that a store reads."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.batches: list[Any] = []

    def batch(self, wanted: Any) -> Any:
        self.batches.append(wanted)
        return self.table.batch(wanted)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)


@pytest.fixture
def store(dispatch: Any) -> tuple[AwsStore, Counting]:
    counting = Counting(vars(AwsStore)["_table"].func(dispatch.store))
    vars(dispatch.store)["_table"] = counting
    return dispatch.store, counting


OUTPUT = Output("d" * 64, 3, "str", b"abc")


def test_what_this_process_completed_is_not_read_again(store: tuple[AwsStore, Counting]) -> None:
    aws, table = store
    claim = aws.claim(DISPATCH_ID, 0, 0, 1)
    assert aws.records(DISPATCH_ID, [0])[0].status is Status.RUNNING
    light = Outcome(1, Status.COMPLETED, ended=2, started=2, output=OUTPUT)
    assert aws.commit(DISPATCH_ID, Outcome(0, Status.COMPLETED, 2, output=OUTPUT), [light], claim)
    found = aws.records(DISPATCH_ID, [0, 1])
    assert len(table.batches) == 1
    assert {record.status for record in found.values()} == {Status.COMPLETED}
    assert found[0].output == found[1].output == OUTPUT


def test_only_completed_records_are_kept(store: tuple[AwsStore, Counting], dispatch: Any) -> None:
    aws, table = store
    for status in Status:
        dispatch.set_record(0, status={"S": status.value})
        fresh = [aws.records(DISPATCH_ID, [0])[0].status for _ in range(2)]
        assert fresh == [status, status]
        if status is Status.COMPLETED:
            break
    before = len(table.batches)
    dispatch.set_record(1, status={"S": "RUNNING"})
    assert aws.records(DISPATCH_ID, [0, 1])[1].status is Status.RUNNING
    assert [len(batch) for batch in table.batches[before:]] == [1]  # node 1 alone


@pytest.mark.parametrize("status", [Status.RUNNING, Status.FAILED])
def test_a_failure_is_not_kept(store: tuple[AwsStore, Counting], status: Status) -> None:
    aws, table = store
    aws.claim(DISPATCH_ID, 0, 0, 1)
    if status is Status.FAILED:
        assert aws.commit(DISPATCH_ID, Outcome(0, Status.FAILED, ended=2, error="why"))
    for _ in range(2):
        assert aws.records(DISPATCH_ID, [0])[0].status is status
    assert len(table.batches) == 2


def test_a_lost_commit_is_not_kept(store: tuple[AwsStore, Counting], dispatch: Any) -> None:
    aws, _ = store
    claim = aws.claim(DISPATCH_ID, 0, 0, 1)
    dispatch.set_record(0, status={"S": "CANCELLED"})
    assert not aws.commit(DISPATCH_ID, Outcome(0, Status.COMPLETED, 2, output=OUTPUT), (), claim)
    assert aws.records(DISPATCH_ID, [0])[0].status is Status.CANCELLED


def test_another_dispatch_has_records_of_its_own(store: tuple[AwsStore, Counting]) -> None:
    aws, _ = store
    assert aws.commit(DISPATCH_ID, Outcome(0, Status.COMPLETED, ended=2, output=OUTPUT))
    assert aws.records(DISPATCH_ID.replace("6", "7"), [0]) == {}
