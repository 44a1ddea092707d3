"""Transfers with Google's own client, on an emulator of Google Cloud Storage."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud import storage
from google.oauth2 import service_account
from tests.moving import SIZE, TREE, Peak, content, move, place
from tests.unit.runner.transfers.conftest import Website

from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.errors import TransferFailed
from covalent_runner.transfers.gcloud import GCloud
from covalent_runner.transfers.moves import Move

READY_SECONDS = 30


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--in-memory", "--quiet"]
    with subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)]) as process:
        _await(f"http://127.0.0.1:{port}/storage/v1/b?project=x", process)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def _await(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(urllib.error.URLError):
            urllib.request.urlopen(url)
            return
        time.sleep(0.02)  # a port says nothing when it opens
    raise AssertionError("the emulator did not start")


@pytest.fixture
def bucket(emulator: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """An empty bucket `data`."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    found = storage.Client(project="lab").create_bucket("data")
    yield found
    found.delete(force=True)


def test_a_file_there_and_back(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("content")
    move(GCloud(), tmp_path / "x.txt", "gs://data/a/b.txt")
    move(GCloud(), tmp_path / "x.txt", "gs://data/into/")
    move(GCloud(), "gs://data/a/b.txt", tmp_path / "new" / "back.txt")
    assert [each.name for each in bucket.list_blobs()] == ["a/b.txt", "into/x.txt"]
    assert (tmp_path / "new" / "back.txt").read_text() == "content"


def test_a_folder_there_and_back(bucket: Any, tree: Path, tmp_path: Path) -> None:
    move(GCloud(), place(tree, folder=True, include_folder=True), "gs://data/up/")
    assert [each.name for each in bucket.list_blobs()] == [f"up/tree/{name}" for name in TREE]
    move(GCloud(), "gs://data/up/tree/", tmp_path / "back")
    assert content(tmp_path / "back") == TREE


def test_nothing_is_in_memory_as_a_whole(
    bucket: Any, large: Path, tmp_path: Path, peak: Peak
) -> None:
    (tmp_path / "small").write_text("x")
    small, there, copy = tmp_path / "small", "gs://data/small", tmp_path / "copy"
    goal = "gs://data/large"
    up = Move(GCloud(), place(large), place(goal)), Move(GCloud(), place(small), place(there))
    assert peak(*up) < SIZE / 2
    down = Move(GCloud(), place(goal), place(copy)), Move(GCloud(), place(there), place(copy))
    assert peak(*down) < SIZE / 2
    assert copy.read_bytes() == large.read_bytes()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("gs://data/nosuch", "the source gs://data/nosuch does not exist"),
        ("gs://data/nosuch/", "is empty or does not exist"),
        ("gs://nosuch/x", "does not exist"),
    ],
)
def test_a_missing_source(bucket: Any, tmp_path: Path, address: str, reason: str) -> None:
    with pytest.raises(TransferFailed, match=reason):
        move(GCloud(), address, tmp_path / "goal")
    assert content(tmp_path) == {}


def test_a_missing_bucket_is_the_targets(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(TransferFailed, match=r"the target gs://nosuch/x does not exist"):
        move(GCloud(), tmp_path / "x", "gs://nosuch/x")


@pytest.fixture
def account(website: Website, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The JSON file of a service account, whose tokens come from a server of ours."""
    # It would ask Google itself, in the background, where the account may be used.
    boundary = "_maybe_start_regional_access_boundary_refresh"
    monkeypatch.setattr(service_account.Credentials, boundary, lambda *_: None)
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "account.json"
    document = {
        "type": "service_account",
        "client_email": "electron@lab.test",
        "private_key": pem.decode(),
        "token_uri": f"{website.url}/token",
    }
    path.write_text(json.dumps(document))
    return path


def test_a_service_account_is_who_asks(
    bucket: Any, account: Path, website: Website, tmp_path: Path
) -> None:
    bucket.blob("x").upload_from_string("1")
    website.answers["/token"] = (
        b'{"access_token": "ours", "expires_in": 3600, "token_type": "Bearer"}'
    )
    move(GCloud(Secret(str(account)), "lab"), "gs://data/x", tmp_path / "x")
    assert (tmp_path / "x").read_text() == "1"
    assert {path for path, _ in website.seen} == {"/token"}


def test_a_service_account_that_google_refuses(
    bucket: Any, account: Path, website: Website, tmp_path: Path
) -> None:
    website.statuses["/token"] = 400
    with pytest.raises(TransferFailed, match=r"the source gs://data/x may not be used"):
        move(GCloud(Secret(str(account)), "lab"), "gs://data/x", tmp_path / "x")


@pytest.mark.parametrize("text", ["no json", "[]", '{"type": "authorized_user"}'])
def test_what_is_no_service_account(bucket: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "account").write_text(text)
    with pytest.raises(TransferFailed, match=r"account is not the JSON file of a service account"):
        move(GCloud(Secret(str(tmp_path / "account"))), "gs://data/x", tmp_path / "x")


def test_no_login_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    with pytest.raises(TransferFailed, match=r"may not be used: Your default credentials"):
        move(GCloud(), "gs://data/x", tmp_path / "x")
