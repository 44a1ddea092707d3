"""The process that electrons run in: whose it is, what it knows, how it ends."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from covalent_contracts import keys, pickling, records
from covalent_contracts.envelope import Envelope, Report, Run, look_payload, run_payload
from covalent_contracts.ids import digest_of
from covalent_contracts.sheet import Page, Ref, Sheet, dump
from covalent_localstack import environment
from covalent_localstack.stack import EmbeddedAws
from covalent_runner import confinement, frames, guard

TOKEN = "token-of-test"
ALICE, BOB = "a" * 16, "b" * 16


@dataclass
class Lab:
    """An embedded AWS with one runner process, and dispatches written as the control plane writes them."""

    stack: EmbeddedAws

    def client(self, service: Any) -> Any:
        return boto3.client(service, endpoint_url=self.stack.address, region_name="us-east-1")

    def register(self, owner: str, function: Callable[[], Any]) -> str:
        """A dispatch with one electron; its id."""
        dispatch_id = str(uuid.uuid4())
        data = pickling.dumps(function)
        sheet = Sheet(0, "electron", function=Ref(digest_of(data), len(data)))
        page = Page(dispatch_id, dispatch_id, owner, platform.python_version(), {0: sheet})
        self.put(keys.asset(owner, digest_of(data)), data)
        self.put(keys.sheets(dispatch_id, 0), dump(page))
        return dispatch_id

    def put(self, key: str, data: bytes) -> None:
        self.client("s3").put_object(Bucket=environment.BUCKET, Key=key, Body=data)

    def invoke(self, dispatch_id: str, node: int = 0) -> dict[str, Any]:
        """What the runner function answers: nothing, or the error document of Lambda."""
        event = {**run_payload(node), "dispatch_id": dispatch_id, "attempt": 0}
        return self.send(event)

    def send(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What it answers to an event."""
        payload = {name: value for name, value in event.items() if not name.endswith(".$")}
        answer = self.client("lambda").invoke(
            FunctionName=environment.RUNNER, Payload=json.dumps(payload)
        )
        return json.loads(answer["Payload"].read()) or {}

    def value(self, dispatch_id: str) -> Any:
        key = {records.PK: {"S": f"D#{dispatch_id}"}, records.SK: {"S": records.node_sk(0)}}
        item = self.client("dynamodb").get_item(TableName=environment.TABLE, Key=key)["Item"]
        return pickling.loads(bytes(item["output"]["B"]))

    def call(self, owner: str, function: Callable[[], Any]) -> Any:
        dispatch_id = self.register(owner, function)
        assert self.invoke(dispatch_id) == {}
        return self.value(dispatch_id)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with EmbeddedAws(tmp_path_factory.mktemp("aws"), workers=1, token=TOKEN) as stack:
        yield Lab(stack)


def test_an_owner_has_a_process_and_each_dispatch_its_credentials(lab: Lab) -> None:
    def who() -> tuple[int, str]:
        return os.getpid(), os.environ["AWS_ACCESS_KEY_ID"]

    (process, key), (same, other) = lab.call(ALICE, who), lab.call(ALICE, who)
    assert process == same
    assert key != other
    assert TOKEN not in (key, other)


def test_the_credentials_are_for_the_dispatch_and_its_owner(lab: Lab) -> None:
    dispatch_id = lab.register(BOB, lambda: os.environ["AWS_ACCESS_KEY_ID"])
    assert lab.invoke(dispatch_id) == {}
    from covalent_localstack.loopback import Loopback

    session = _front(Loopback).sessions[lab.value(dispatch_id)]
    assert session.role == environment.ELECTRON_ROLE
    assert session.tags == {"dispatch": dispatch_id, "owner": BOB, "sublattice": dispatch_id}


def test_the_event_of_a_trigger_is_there(lab: Lab) -> None:
    def told() -> Any:
        from covalent_contracts import context

        return context.current().event

    dispatch_id = lab.register(BOB, told)
    lab.put(keys.event(dispatch_id), b'{"by": "hand"}')
    assert lab.invoke(dispatch_id) == {}
    assert lab.value(dispatch_id) == {"by": "hand"}
    assert lab.call(BOB, told) is None


def _front(loopback: Any) -> Any:
    from botocore.handlers import BUILTIN_HANDLERS

    return next(each[1] for each in BUILTIN_HANDLERS if isinstance(each[1], loopback))._application


def test_nothing_of_one_owner_meets_the_next(lab: Lab) -> None:
    """A daemon that has left its group and its session, and whose parent is gone."""

    def leave_a_daemon() -> tuple[int, int]:
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.write(writing, str(os.getpid()).encode())
                os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)"])
            os._exit(0)
        os.wait()
        return os.getpid(), int(os.read(reading, 20))

    process, daemon = lab.call(ALICE, leave_a_daemon)
    assert lab.call(ALICE, lambda: os.kill(daemon, 0)) is None  # the owner may go on with it
    assert lab.call(BOB, os.getpid) != process
    for pid in (process, daemon):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_user_code_finds_no_secret_of_the_function(lab: Lab) -> None:
    """Neither in its environment nor in that which its process was started with."""

    withheld = frozenset(guard._SECRET)

    def secrets() -> list[str]:
        text = Path("/proc/self/environ").read_text()
        began = [each.partition("=")[::2] for each in text.split("\0")]
        names = [name for name, value in (*began, *os.environ.items()) if value == "token-of-test"]
        return [*names, *(name for name, _ in began if name in withheld)]

    assert lab.call(ALICE, secrets) == []


def test_what_the_electron_did_to_its_process_is_what_lambda_says(lab: Lab) -> None:
    def leave() -> None:
        os._exit(3)

    def kill() -> None:
        os.kill(os.getpid(), 9)

    said = lab.invoke(lab.register(ALICE, leave))
    assert said["errorMessage"].endswith("Runtime exited with error: exit status 3")
    said = lab.invoke(lab.register(ALICE, kill))
    assert said["errorMessage"].endswith("Runtime exited with error: signal: killed")
    assert lab.call(ALICE, lambda: "goes on") == "goes on"


def test_who_closes_the_socket_is_ended(lab: Lab) -> None:
    def close() -> None:
        os.closerange(3, 256)
        import time

        time.sleep(600)

    said = lab.invoke(lab.register(ALICE, close))
    assert said["errorMessage"].endswith("signal: killed")


def test_what_has_no_result_is_answered(lab: Lab) -> None:
    event = look_payload("0:1:1", with_cause=True) | {"cause": '{"JobId": "an-array"}'}
    dispatch_id = lab.register(ALICE, os.getpid)
    assert lab.send(event | {"dispatch_id": dispatch_id}) == {"rows": [[0, 0]], "job": "an-array"}
    assert lab.invoke(dispatch_id) == {}, "of other events there is nothing to tell"
    assert lab.send(event | {"dispatch_id": dispatch_id})["rows"] == []


def test_errors_keep_their_names(lab: Lab) -> None:
    def fail() -> None:
        raise ValueError("no such luck")

    assert lab.invoke(lab.register(ALICE, fail))["errorType"] == "ElectronFailed"
    dispatch_id = lab.register(ALICE, fail)
    assert lab.invoke(dispatch_id, 7)["errorType"] == "NotFound"
    assert lab.invoke(str(uuid.uuid4()))["errorType"] == "LookupError"


def test_a_forged_answer_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """User code can write to the socket; what it says of another event, or in another form, does not count."""
    said = iter([["x"], "y", {"id": 7}, {"id": 1, "error": ["UpstreamFailed", "true"]}])
    monkeypatch.setattr(frames, "receive", lambda _: next(said))
    cell = guard.Cell.__new__(guard.Cell)
    cell._asked = 1
    monkeypatch.setattr(cell, "_wait", lambda: None)
    monkeypatch.setattr(cell, "_connection", None, raising=False)
    assert cell._answer()["error"] == ["UpstreamFailed", "true"]


@pytest.mark.parametrize(
    ("event", "node"),
    [(Run(str(uuid.uuid4()), 3, 0), 3), (Report(str(uuid.uuid4()), (5, 6), "", ""), 5)],
)
def test_every_event_names_an_electron(event: Envelope, node: int) -> None:
    assert guard._node_of(event) == node


def test_on_aws_an_owner_has_temporary_files_of_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVALENT_WORK_DIR", raising=False)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    folder = guard._own_folder()
    assert folder is not None
    given = guard._environment(folder)
    assert (given["TMPDIR"], given["HOME"]) == (str(folder), str(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert "AWS_SESSION_TOKEN" not in given
    folder.rmdir()


HIDDEN = """
import os
from covalent_runner import confinement

if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)

def another_process_reads():
    process = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            open(f"/proc/{process}/environ", "rb").read()
        except PermissionError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

confinement._prctl(confinement._DUMPABLE, 1)
print(another_process_reads(), end=" ")
confinement.hide()
print(another_process_reads())
"""


def test_a_hidden_process_is_closed_to_its_user() -> None:
    """Run as nobody, because root sees everything."""
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_the_folder_of_a_cell_is_removed_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("COVALENT_WORK_DIR", raising=False)
    monkeypatch.setattr(confinement, "end_children", lambda: None)  # not those of the tests
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cell = guard.Cell()
    assert len(list(tmp_path.iterdir())) == 1
    cell.end()
    assert list(tmp_path.iterdir()) == []
