"""Copies on one machine, and what all ways have in common at this end."""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.moving import SIZE, TREE, Peak, content, move, place

from covalent_runner.transfers import disk
from covalent_runner.transfers.disk import Disk
from covalent_runner.transfers.errors import TransferFailed
from covalent_runner.transfers.moves import Move, begin
from covalent_runner.transfers.places import Place
from covalent_runner.workdir import isolated


def test_a_file_with_its_permissions(tmp_path: Path) -> None:
    source = tmp_path / "run.sh"
    source.write_text("echo")
    source.chmod(0o750)
    move(Disk(), source, tmp_path / "new" / "folder" / "copy.sh")
    copy = tmp_path / "new" / "folder" / "copy.sh"
    assert copy.read_text() == "echo"
    assert copy.stat().st_mode & 0o777 == 0o750
    assert [each.name for each in copy.parent.iterdir()] == ["copy.sh"]


def test_a_file_into_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "there").mkdir()
    move(Disk(), tmp_path / "a", f"{tmp_path}/made/")
    move(Disk(), tmp_path / "a", tmp_path / "there")
    assert (tmp_path / "made" / "a").read_text() == (tmp_path / "there" / "a").read_text() == "1"


@pytest.mark.parametrize("written", ["tree", "tree/"])
def test_a_folder_arrives_without_itself(tree: Path, tmp_path: Path, written: str) -> None:
    move(Disk(), tmp_path / written, tmp_path / "goal")
    assert content(tmp_path / "goal") == TREE


def test_a_folder_arrives_as_such(tree: Path, tmp_path: Path) -> None:
    move(Disk(), place(tree, folder=True, include_folder=True), tmp_path / "goal")
    assert content(tmp_path / "goal" / "tree") == TREE
    assert [each.name for each in (tmp_path / "goal").iterdir()] == ["tree"]


def test_a_folder_into_itself(tree: Path) -> None:
    move(Disk(), tree, tree / "copy")
    assert content(tree) == TREE | {f"copy/{name}": text for name, text in TREE.items()}


def test_empty_folders_arrive_too(tree: Path, tmp_path: Path) -> None:
    (tree / "empty").mkdir()
    move(Disk(), tree, tmp_path / "goal")
    assert (tmp_path / "goal" / "empty").is_dir()


def test_links_to_folders_are_followed_but_not_in_circles(tree: Path, tmp_path: Path) -> None:
    (tree / "sub" / "up").symlink_to(tree)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_text("x")
    (tmp_path / "elsewhere" / "back").symlink_to(tree / "sub")
    for name in ("one", "two"):
        (tree / name).symlink_to(tmp_path / "elsewhere")
    move(Disk(), tree, tmp_path / "goal")
    found = content(tmp_path / "goal")
    assert TREE.items() <= found.items()
    assert found["one/x"] == found["two/x"] == "x"
    assert found["one/back/b c.txt"] == "b"


def test_a_broken_link_is_told(tree: Path, tmp_path: Path) -> None:
    (tree / "broken").symlink_to("nosuch")
    with pytest.raises(TransferFailed, match=r"the source .*/broken does not exist"):
        move(Disk(), tree, tmp_path / "goal")


def test_an_existing_file_is_replaced_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("new")
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    move(Disk(), tmp_path / "source", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_onto_itself(tmp_path: Path) -> None:
    (tmp_path / "same").write_text("kept")
    move(Disk(), tmp_path / "same", tmp_path / "same")
    assert (tmp_path / "same").read_text() == "kept"


def test_into_a_device(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("gone")
    move(Disk(), tmp_path / "source", "/dev/null")
    assert Path("/dev/null").is_char_device()


def test_nothing_is_in_memory_as_a_whole(large: Path, tmp_path: Path, peak: Peak) -> None:
    assert peak(Move(Disk(), place(large), place(tmp_path / "copy"))) < SIZE / 8
    assert (tmp_path / "copy").stat().st_size == SIZE


def test_a_missing_source_says_where_it_ends(tmp_path: Path) -> None:
    missing = tmp_path / "nosuch" / "data.csv"
    with pytest.raises(TransferFailed) as caught:
        move(Disk(), missing, tmp_path / "goal")
    told = str(caught.value)
    assert f"could not transfer {missing} to {tmp_path / 'goal'}" in told
    assert f"the source {missing} does not exist" in told
    assert f"where {tmp_path} has no nosuch" in told
    assert "relative paths" in told
    assert not (tmp_path / "goal").exists()


def test_a_target_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    for name in ("source", "file"):
        (tmp_path / name).write_text("")
    target = tmp_path / "file" / "below"
    with pytest.raises(TransferFailed, match=f"the target {target} cannot be written.*choose"):
        move(Disk(), tmp_path / "source", target)


NOBODY = 65534


@pytest.fixture
def foreign() -> Iterator[Path]:
    """A folder of somebody else, who may do anything; the test may not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "secret").write_text("")
        Path(folder, "secret").chmod(0)
        Path(folder, "open").write_text("")
        Path(folder, "closed").mkdir(mode=0o555)
        was = os.geteuid()
        if was == 0:
            os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(was)


def test_what_is_forbidden(foreign: Path) -> None:
    with pytest.raises(TransferFailed, match=r"the source .* cannot be read.*Permission denied"):
        move(Disk(), foreign / "secret", foreign / "goal")
    with pytest.raises(TransferFailed, match=r"the target .* cannot be written.*Permission"):
        move(Disk(), foreign / "open", foreign / "closed" / "goal")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Any, part: Any) -> None:
        Path(part).write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "source").write_text("content")
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(TransferFailed, match=r"the target .*No space left on device.*make room"):
        move(Disk(), tmp_path / "source", tmp_path / "goal")
    assert [each.name for each in tmp_path.iterdir()] == ["source"]


def test_a_broken_transfer_leaves_the_old_file(tmp_path: Path) -> None:
    goal = tmp_path / "goal"
    goal.write_text("old")

    def break_off() -> None:
        with disk.arriving(goal) as part:
            part.write_text("half of the ne")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"goal": "old"}


@pytest.fixture
def workdir() -> Iterator[Path]:
    with isolated("dispatch") as folder:
        yield folder


def test_relative_paths_are_the_electrons_wherever_it_goes(workdir: Path) -> None:
    transfer = Move(Disk(), Place("in/data"), Place("out/data"))
    (workdir / "in").mkdir()
    (workdir / "in" / "data").write_text("x")
    os.chdir("/")
    assert begin(transfer.source, transfer.target, transfer) == (
        str(workdir / "in" / "data"),
        str(workdir / "out" / "data"),
    )
    assert (workdir / "out" / "data").read_text() == "x"


def test_what_covalent_chose_is_there_before_the_electron(workdir: Path) -> None:
    first, second = begin(Place("one", made=True), Place("two", made=True, folder=True), None)
    assert Path(first).is_file()
    assert Path(second).is_dir()
    assert {Path(first).parent, Path(second).parent} == {workdir}


def test_a_home_is_that_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Place("~/data").here().path == str(tmp_path / "data")


_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.lists(_NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=3).map(
            tuple
        ),
        st.binary(max_size=100),
        max_size=6,
    )
)
def test_any_folder_arrives_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, ...], bytes]
) -> None:
    root, goal = tmp_path_factory.mktemp("any"), tmp_path_factory.mktemp("goal")
    kept: dict[Path, bytes] = {}
    for parts, data in files.items():
        path = root.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError:  # a file and a folder of one name
            continue
        kept[path.relative_to(root)] = data
    move(Disk(), place(root, folder=True), place(goal, folder=True))
    found = {p.relative_to(goal): p.read_bytes() for p in goal.rglob("*") if p.is_file()}
    assert found == {path: (root / path).read_bytes() for path in kept}
