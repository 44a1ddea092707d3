"""Transfers with Microsoft's own client, on Azurite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from tests.moving import SIZE, TREE, Peak, content, move, place
from tests.transfers.conftest import Azurite

from covalent_runner.transfers.azure import CONNECTION_STRING, Azure
from covalent_runner.transfers.errors import TransferFailed
from covalent_runner.transfers.moves import Move


@pytest.fixture
def container(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty container `data` of an account that the environment knows."""
    monkeypatch.setenv(CONNECTION_STRING, azurite.connection_string)
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        found = service.create_container("data")
        yield found
        found.delete_container()


def test_a_file_there_and_back(container: Any, azurite: Azurite, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("content")
    for _ in range(2):  # what is there is replaced
        move(Azure(), tmp_path / "x.txt", f"{azurite.url}/data/a/b c.txt")
    move(Azure(), tmp_path / "x.txt", f"{azurite.url}/data/into/")
    move(Azure(), f"{azurite.url}/data/a/b c.txt", tmp_path / "new" / "back.txt")
    assert list(container.list_blob_names()) == ["a/b c.txt", "into/x.txt"]
    assert (tmp_path / "new" / "back.txt").read_text() == "content"


def test_a_folder_there_and_back(
    container: Any, azurite: Azurite, tree: Path, tmp_path: Path
) -> None:
    move(Azure(), place(tree, folder=True, include_folder=True), f"{azurite.url}/data/up/")
    assert list(container.list_blob_names()) == [f"up/tree/{name}" for name in TREE]
    move(Azure(), f"{azurite.url}/data/up/tree/", tmp_path / "back")
    assert content(tmp_path / "back") == TREE


def test_nothing_is_in_memory_as_a_whole(
    container: Any, azurite: Azurite, large: Path, tmp_path: Path, peak: Peak
) -> None:
    small, copy = tmp_path / "small", tmp_path / "copy"
    small.write_text("x")
    with large.open("r+b") as file:
        file.truncate(2 * SIZE)
    here, there = f"{azurite.url}/data/small", f"{azurite.url}/data/large"
    up = Move(Azure(), place(large), place(there)), Move(Azure(), place(small), place(here))
    assert peak(*up) < SIZE
    down = Move(Azure(), place(there), place(copy)), Move(Azure(), place(here), place(copy))
    assert peak(*down) < SIZE
    assert copy.read_bytes() == large.read_bytes()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("data/nosuch", "the source .*/data/nosuch does not exist"),
        ("data/nosuch/", "is empty or does not exist"),
        ("nosuch/x", "in a container that does not exist"),
        ("", "names no container"),
    ],
)
def test_a_missing_source(
    container: Any, azurite: Azurite, tmp_path: Path, path: str, reason: str
) -> None:
    with pytest.raises(TransferFailed, match=reason):
        move(Azure(), f"{azurite.url}/{path}", tmp_path / "goal")
    assert content(tmp_path) == {}


def test_a_wrong_key_is_refused(
    container: Any, azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = azurite.connection_string.replace("bGFi", "d3Jvbmc=")
    monkeypatch.setenv(CONNECTION_STRING, wrong)
    with pytest.raises(TransferFailed, match=r"the source .* may not be used: Azure refuses"):
        move(Azure(), f"{azurite.url}/data/x", tmp_path / "x")
