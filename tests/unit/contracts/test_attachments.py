"""What an electron leaves beside its output: collected on every thread, bounded, and one object on its way."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts import attachments
from covalent_contracts.attachments import Attachments, Carried, Collector
from covalent_contracts.errors import CorruptedObject, NewerWire

NAMES = st.text(max_size=5)


@given(
    found=st.dictionaries(NAMES, st.lists(st.binary(max_size=30), min_size=1, max_size=4)),
    left_out=st.dictionaries(NAMES, st.integers(1, 9)),
)
def test_what_was_dumped_is_loaded(found: dict[str, list[bytes]], left_out: dict[str, int]) -> None:
    whole = Attachments(found, left_out)
    assert Attachments.load(whole.dump()) == whole


@given(st.integers(1, 200))
def test_what_is_cut_short_is_refused(kept: int) -> None:
    data = Attachments({"a": [b"x" * 100, b"y" * 100]}).dump()
    with pytest.raises(CorruptedObject):
        Attachments.load(data[:kept])
    with pytest.raises(CorruptedObject):
        Attachments.load(data + b"z")


def test_a_newer_version_is_told_from_damage() -> None:
    data = Attachments({"a": [b"x"]}).dump().replace(b'"wire":1', b'"wire":2')
    with pytest.raises(NewerWire):
        Attachments.load(data)


def test_nothing_is_no_bytes() -> None:
    with attachments.collected() as here:
        pass
    assert here.dump() == b""


def test_there_is_no_collector_outside() -> None:
    assert attachments.collector() is None
    with attachments.collected() as here:
        assert attachments.collector() is here
    assert attachments.collector() is None


def test_a_thread_finds_the_only_collector_of_the_process() -> None:
    found: list[Collector | None] = []

    def look() -> None:
        found.append(attachments.collector())

    with attachments.collected() as outer:
        for _ in range(2):
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            if len(found) == 1:
                with attachments.collected():  # two electrons in one process: it may be of either
                    thread = threading.Thread(target=look)
                    thread.start()
                    thread.join()
    assert found == [outer, None, outer]


def test_each_of_two_electrons_side_by_side_has_its_own() -> None:
    together = threading.Barrier(2)

    def electron(name: str) -> bytes:
        with attachments.collected() as here:
            together.wait()
            found = attachments.collector()
            assert found is not None
            found.add("name", name.encode())
            together.wait()
            return here.dump()

    with ThreadPoolExecutor(2) as threads:
        left = [Attachments.load(each).found["name"] for each in threads.map(electron, "ab")]
    assert left == [[b"a"], [b"b"]]


def test_what_is_beyond_the_limit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "LIMIT", 10)
    collector = Collector()
    assert [collector.add("a", b"x" * size) for size in (6, 5, 4, 1)] == [True, False, True, False]
    whole = Attachments.load(collector.dump())
    assert ([len(each) for each in whole.found["a"]], whole.left_out) == ([6, 4], {"a": 2})


def test_what_came_together_elsewhere_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "LIMIT", 3)
    elsewhere = Collector()
    for data in (b"x", b"yy", b"z"):
        elsewhere.add("a", data)
    with attachments.collected() as here:
        here.add("a", b"0")
        assert attachments.unloaded(Carried(7, elsewhere.dump())) == 7
    whole = Attachments.load(here.dump())
    assert (whole.found, whole.left_out) == ({"a": [b"0", b"x"]}, {"a": 2})


def test_an_exception_carries_what_was_left_before_it() -> None:
    def fail(collector: Collector) -> None:
        collector.add("a", b"x")
        raise ValueError("no")

    elsewhere = Collector()
    with pytest.raises(ValueError, match="no") as caught, attachments.carried_by_errors(elsewhere):
        fail(elsewhere)
    with attachments.collected() as here:
        assert attachments.unloaded(caught.value) is caught.value
    assert Attachments.load(here.dump()).found == {"a": [b"x"]}
    assert vars(caught.value) == {}


def test_a_fork_is_another_process() -> None:
    name = attachments.process()
    reader, writer = os.pipe()
    with attachments.collected() as here:
        child = os.fork()
        if not child:
            os.write(writer, f"{attachments.process() != name} {here.is_ours}".encode())
            os._exit(0)
        os.waitpid(child, 0)
    assert os.read(reader, 100) == b"True False"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("error", [None, RuntimeError("of the electron")])
def test_what_is_to_be_done_at_the_end_is_done_whatever_the_end(error: Exception | None) -> None:
    done: list[str] = []

    def fail() -> None:
        raise ZeroDivisionError

    def electron() -> None:
        with attachments.collected() as here:
            here.at_end(lambda: done.append("first"))
            here.at_end(fail)
            here.at_end(lambda: done.append("last"))
            assert done == []
            if error:
                raise error

    with pytest.raises(RuntimeError, match="of the electron") if error else nullcontext():
        electron()
    assert done == ["last", "first"]
