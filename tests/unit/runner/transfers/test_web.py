"""Downloads from and uploads to a real web server."""

import base64
import socket
from pathlib import Path

import pytest
from tests.moving import MEGABYTE, SIZE, Peak, content, move, place
from tests.unit.runner.transfers.conftest import Website

from covalent_runner.transfers.errors import TransferFailed
from covalent_runner.transfers.moves import Move
from covalent_runner.transfers.web import Web


def test_a_download(website: Website, tmp_path: Path) -> None:
    website.files["/data/x.csv?version=2"] = b"1,2"
    move(Web(), f"{website.url}/data/x.csv?version=2", tmp_path / "x.csv")
    assert content(tmp_path) == {"x.csv": "1,2"}


def test_a_download_into_a_folder_keeps_its_name(website: Website, tmp_path: Path) -> None:
    website.files["/data/a%20b.csv?version=2"] = website.files["/"] = b"1"
    move(Web(), f"{website.url}/data/a b.csv?version=2", f"{tmp_path}/made/")
    move(Web(), website.url, f"{tmp_path}/made/")
    assert content(tmp_path) == {"made/a b.csv": "1", "made/index.html": "1"}


def test_an_upload_is_a_put(website: Website, tmp_path: Path) -> None:
    (tmp_path / "result").write_bytes(b"42")
    move(Web(), tmp_path / "result", f"{website.url}/results/1")
    assert website.files == {"/results/1": b"42"}


def test_nothing_is_in_memory_as_a_whole(
    website: Website, large: Path, tmp_path: Path, peak: Peak
) -> None:
    website.files["/large"] = large.read_bytes()
    assert peak(Move(Web(), place(f"{website.url}/large"), place(tmp_path / "copy"))) < SIZE / 8
    assert (tmp_path / "copy").read_bytes() == website.files["/large"]
    assert peak(Move(Web(), place(large), place(f"{website.url}/back"))) < SIZE / 8
    assert website.files["/back"] == website.files["/large"]


@pytest.mark.parametrize(
    ("status", "cure"),
    [(404, "check the address"), (403, "not public"), (401, r"\.netrc"), (500, "Internal")],
)
def test_what_the_server_refuses(website: Website, tmp_path: Path, status: int, cure: str) -> None:
    website.statuses["/x"] = status
    with pytest.raises(TransferFailed, match=rf"the source {website.url}/x .*{status}.*{cure}"):
        move(Web(), f"{website.url}/x", tmp_path / "x")
    assert content(tmp_path) == {}


def test_an_upload_that_is_refused_names_the_target(website: Website, tmp_path: Path) -> None:
    website.statuses["/x"] = 405
    (tmp_path / "x").write_text("")
    with pytest.raises(TransferFailed, match=rf"the target {website.url}/x .*405.*no uploads"):
        move(Web(), tmp_path / "x", f"{website.url}/x")


def test_a_broken_connection_is_not_a_shorter_file(website: Website, tmp_path: Path) -> None:
    website.files["/x"] = b"0123456789" * MEGABYTE
    website.short.add("/x")
    (tmp_path / "x").write_text("old")
    with pytest.raises(TransferFailed, match=rf"ended after {5 * MEGABYTE} of {10 * MEGABYTE}"):
        move(Web(), f"{website.url}/x", tmp_path / "x")
    assert content(tmp_path) == {"x": "old"}


def test_nobody_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(TransferFailed, match=r"cannot be reached: .*refused"):
        move(Web(), f"http://127.0.0.1:{port}/x", tmp_path / "x")


def test_a_password_comes_from_netrc(
    website: Website, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ada password lovelace\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    website.files["/x"] = b"1"
    move(Web(), f"{website.url}/x", tmp_path / "x")
    assert website.seen == [("/x", "Basic " + base64.b64encode(b"ada:lovelace").decode())]


def test_only_web_addresses_are_opened(tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match="no address of a web server"):
        move(Web(), "file:///etc/hostname", tmp_path / "x")


def test_a_folder_cannot_be_listed(website: Website, tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match="name each file"):
        move(Web(), place(f"{website.url}/data/", folder=True), f"{tmp_path}/goal/")
