"""Files and folders as users write them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import covalent as ct
from covalent._file_transfer.file import File
from covalent._file_transfer.folder import Folder
from covalent._shared_files.exceptions import InvalidTransfer
from covalent_contracts.errors import InvalidWorkflow


@pytest.mark.parametrize(
    ("given_path", "path", "scheme", "remote", "folder"),
    [
        ("/a/b.txt", "/a/b.txt", "file", False, False),
        ("/a/b/", "/a/b/", "file", False, True),
        ("file:///a%20b", "/a b", "file", False, False),
        ("a:b", "a:b", "file", False, False),
        ("s3://bucket/key", "s3://bucket/key", "s3", True, False),
        ("S3://bucket/folder/", "s3://bucket/folder/", "s3", True, True),
        ("gs://bucket/key", "gs://bucket/key", "gs", True, False),
        ("blob://account/container/x", "blob://account/container/x", "blob", True, False),
        ("https://host/x?a=b", "https://host/x?a=b", "https", True, False),
        (Path("/a/b"), "/a/b", "file", False, False),
    ],
)
def test_a_file_knows_what_it_is(
    given_path: Any, path: str, scheme: str, remote: bool, folder: bool
) -> None:
    file = File(given_path)
    assert (file.filepath, file.scheme, file.is_remote, file.is_dir) == (
        path,
        scheme,
        remote,
        folder,
    )
    assert not file.include_folder
    assert not file.is_temp_file


def test_flags_override_what_the_path_tells() -> None:
    file = File("/a", is_remote=True, is_dir=True, include_folder=True)
    assert file.is_remote
    assert file.is_dir
    assert file.include_folder
    folder = Folder("s3://bucket/folder", include_folder=True)
    assert folder.is_dir
    assert folder.include_folder
    assert folder.is_remote


def test_without_a_path_each_file_has_its_own() -> None:
    first, second = File(), File()
    assert first.filepath != second.filepath
    assert first.is_temp_file
    assert not first.is_remote


@pytest.mark.parametrize("path", ["ftp://host/x", "globus://endpoint/x", "s4://x"])
def test_an_unknown_scheme_is_refused_with_those_that_are_known(path: str) -> None:
    with pytest.raises(InvalidTransfer, match=r"nobody transfers.*gs://.*https://.*s3://"):
        File(path)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidWorkflow, match=r"\.netrc") as caught:
        File("https://ada:lovelace@host/x")
    assert "lovelace" not in str(caught.value)


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(TypeError, match="by its path or address"):
        File(3)  # type: ignore[arg-type]  # what it is about


def test_it_works_on_files_of_this_machine(tmp_path: Path) -> None:
    file, folder = File(tmp_path / "x"), Folder(tmp_path / "a" / "b")
    file.touch()
    folder.mkdir()
    assert file.exists()
    assert folder.exists()
    file.rm()
    Folder(tmp_path / "a").rm()
    file.rm()
    assert not list(tmp_path.iterdir())
    with pytest.raises(InvalidTransfer, match="not on this machine"):
        File("s3://bucket/x").exists()


def test_files_are_equal_by_what_they_are() -> None:
    assert File("/a") == File("/a")
    assert len({File("/a"), File("/a"), File("/a", is_remote=True)}) == 2
    assert repr(File("/a", is_remote=True)) == "File('/a', is_remote=True)"
    assert str(Folder("/a")) == "/a"
    assert File("/a b").uri == "file:///a b"
    assert File("s3://b/x").uri == "s3://b/x"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_path_is_taken_as_it_is(path: str) -> None:
    if "://" not in path:
        assert File(path).filepath == path


def test_ct_fs_has_the_promised_names() -> None:
    assert ct.fs.File is File
    assert ct.fs.Folder is Folder
    assert repr(ct.fs.Order.BEFORE) == "<Order.BEFORE: 'before'>"
    assert repr(ct.fs.Order.AFTER) == "<Order.AFTER: 'after'>"
