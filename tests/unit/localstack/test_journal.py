import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.errors import NewerWire
from covalent_contracts.layout import JOURNAL, LAYOUT
from covalent_localstack.journal import Change, DataDirInUse, Journal, with_bytes

ITEM = {"pk": {"S": "D#1"}, "sk": {"S": "N#1"}, "out": {"B": b"\x00\xff"}, "n": {"N": "1"}}


def test_items_survive(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.record([Change("t", "D#1", "N#1", ITEM), Change("t", "D#1", "N#2", ITEM)])
    journal.record([Change("t", "D#1", "N#2", None)])
    journal.close()
    again = Journal(tmp_path)
    assert again.partitions("t") == {"D#1"}
    assert again.items("t", "D#1") == [ITEM]
    assert again.items_with("t", "n") == [ITEM]
    assert again.items_with("t", "owner") == []
    again.close()


def test_objects_survive_and_replaced_files_go(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.store("k", journal.receive([b"old"]), 1.0, {})
    stored = journal.store("k", journal.receive([b"ne", b"w"]), 2.0, {"Content-Type": "a/b"})
    journal.close()
    again = Journal(tmp_path)
    assert [each.path.read_bytes() for each in again.objects()] == [b"new"]
    assert next(again.objects()).headers == {"Content-Type": "a/b"}
    assert [each.name for each in (tmp_path / "objects").iterdir()] == [stored.path.name]
    again.remove("k")
    assert list(again.objects()) == []
    again.close()


def test_a_half_written_object_is_swept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.receive([b"never stored"])
    journal.close()
    Journal(tmp_path).close()
    assert list((tmp_path / "objects").iterdir()) == []


def test_an_interrupted_upload_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> object:
        yield b"some"
        raise ConnectionError

    journal = Journal(tmp_path)
    with pytest.raises(ConnectionError):
        journal.receive(pieces())  # type: ignore[arg-type]  # a generator that fails
    assert list((tmp_path / "objects").iterdir()) == []
    journal.close()


@pytest.mark.parametrize("before", [None, 0o755, 0o777])
def test_nobody_else_may_enter_the_folder(tmp_path: Path, before: int | None) -> None:
    """It holds pickles that its owner will load."""
    folder = tmp_path / "data"
    if before is not None:
        folder.mkdir()
        folder.chmod(before)
    Journal(folder).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(DataDirInUse, match=r"in use by the server with pid \d+"):
        Journal(tmp_path)
    journal.close()
    Journal(tmp_path).close()


def test_unfinished_dispatches_are_seen(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    dispatch = {"pk": {"S": "D#1"}, "sk": {"S": "DISPATCH"}, "status": {"S": "RUNNING"}}
    journal.record([Change("t", "D#1", "DISPATCH", dispatch)])
    assert journal.has_unfinished("t", ["COMPLETED", "FAILED"])
    assert not journal.has_unfinished("t", ["COMPLETED", "RUNNING"])
    journal.close()


_values = st.recursive(
    st.one_of(
        st.builds(lambda s: {"S": s}, st.text()),
        st.builds(lambda b: {"B": b}, st.binary()),
        st.builds(lambda b: {"BS": b}, st.lists(st.binary(), min_size=1)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda v: {"L": v}, st.lists(inner)),
        st.builds(lambda v: {"M": v}, st.dictionaries(st.sampled_from(["x", "y"]), inner)),
    ),
)


@given(_values)
def test_any_value_comes_back(value: object) -> None:
    import json

    from covalent_localstack.journal import base64_text

    assert with_bytes(json.loads(json.dumps(value, default=base64_text))) == value


def test_the_journal_names_its_layout_and_refuses_a_newer_one(tmp_path: Path) -> None:
    Journal(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as database:
        assert database.execute("pragma user_version").fetchone() == (LAYOUT,)
        database.execute(f"pragma user_version = {LAYOUT + 1}")
    for _ in range(2):  # the folder is released again
        with pytest.raises(NewerWire, match="upgrade it"):
            Journal(tmp_path)
