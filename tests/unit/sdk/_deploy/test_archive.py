import hashlib
import os
import tarfile
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from covalent._deploy import archive

NAMES = st.text("abcXYZ-_", min_size=1, max_size=8)
TREES = st.dictionaries(NAMES, st.dictionaries(NAMES, st.binary(max_size=99)), max_size=5)


def _grow(folder: Path, tree: dict[str, dict[str, bytes]]) -> None:
    for name, files in tree.items():
        (folder / name).mkdir(parents=True)
        for each, content in files.items():
            (folder / name / each).write_bytes(content)


@given(TREES)
def test_a_zip_holds_the_files_and_depends_on_nothing_else(
    tmp_path_factory: object, tree: dict[str, dict[str, bytes]]
) -> None:
    made = []
    for turn in ("first", "second"):
        folder = tmp_path_factory.mktemp(turn)  # type: ignore[attr-defined]  # pytest exports no type that Hypothesis accepts
        (folder / "in").mkdir()
        items = list(tree.items())
        _grow(folder / "in", dict(items if turn == "first" else reversed(items)))
        made.append(archive.write(folder / "in", folder / "out.zip"))
        with zipfile.ZipFile(folder / "out.zip") as opened:
            found = {name: opened.read(name) for name in opened.namelist()}
        assert found == {
            f"{a}/{b}": content for a, each in tree.items() for b, content in each.items()
        }
    assert made[0] == made[1]


def test_time_and_mode_of_a_file_do_not_count(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "module.py").write_text("x = 1\n")
    before = archive.write(source, tmp_path / "out.zip")
    (source / "module.py").chmod(0o600)
    os.utime(source / "module.py", (10**9, 10**9))
    assert archive.write(source, tmp_path / "out.zip") == before
    with zipfile.ZipFile(tmp_path / "out.zip") as opened:
        (entry,) = opened.infolist()
    assert (entry.external_attr >> 16) & 0o777 == 0o644
    assert before.size == (tmp_path / "out.zip").stat().st_size
    assert before.unzipped == len("x = 1\n")
    assert before.sha256 == hashlib.sha256((tmp_path / "out.zip").read_bytes()).hexdigest()
    assert not list(tmp_path.glob("*.part"))


def test_a_tar_depends_on_the_files_alone(tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "module.py").write_text("x = 1\n")
    before = archive.write(source, tmp_path / "first.tar.gz")
    os.utime(source / "folder" / "module.py", (10**9, 10**9))
    assert archive.write(source, tmp_path / "second.tar.gz") == before
    with tarfile.open(tmp_path / "first.tar.gz") as opened:
        (member,) = opened.getmembers()
        told = opened.extractfile(member)
        assert told is not None
        assert (member.name, told.read()) == ("folder/module.py", b"x = 1\n")
    assert before.unzipped == len("x = 1\n")
