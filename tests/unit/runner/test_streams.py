# ruff: noqa: T201 - electrons print
import logging
import os
import sys
from typing import Any

import pytest

from covalent_contracts import records
from covalent_runner.streams import Streams, captured

from .conftest import Dispatch


def texts(streams: Streams) -> tuple[str | None, str | None]:
    return streams.text("stdout"), streams.text("stderr")


def test_every_level_is_caught_in_order() -> None:
    with captured() as streams:
        print("python")
        os.system("echo child; echo child error >&2")
        os.write(1, b"descriptor\n")
        print("error", file=sys.stderr)
        logging.getLogger("some.library").warning("logged")
    assert texts(streams) == ("python\nchild\ndescriptor\n", "child error\nerror\nlogged\n")


def test_c_libraries_are_caught() -> None:
    import ctypes

    with captured() as streams:
        ctypes.CDLL(None).printf(b"from C\n")
    with captured() as later:
        pass
    assert texts(streams) == ("from C\n", "")
    assert texts(later) == ("", "")


def test_all_is_as_it_was_afterwards() -> None:
    stdout, stderr = sys.stdout, sys.stderr
    files = [os.fstat(fd).st_ino for fd in (1, 2)]
    handlers = logging.getLogger().handlers[:]
    with pytest.raises(ValueError, match="out"), captured():  # noqa: PT012  # leaves with a mess
        sys.stdout = sys.stderr = None
        raise ValueError("out")
    assert (sys.stdout, sys.stderr) == (stdout, stderr)
    assert [os.fstat(fd).st_ino for fd in (1, 2)] == files
    assert logging.getLogger().handlers == handlers


def test_no_descriptor_is_lost() -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    with captured() as streams:
        pass
    streams.close()
    before = count()
    for _ in range(5):
        with captured() as streams:
            print("x")
        streams.close()
    assert count() == before


def test_closing_stdout_does_not_silence_the_next_electron() -> None:
    with captured():
        sys.stdout.close()
    with captured() as streams:
        print("still here")
    assert texts(streams) == ("still here\n", "")


def test_log_handlers_of_an_electron_stay_valid_and_out_of_the_host() -> None:
    root = logging.getLogger()
    host, level = root.handlers[:], root.level
    try:
        for text in ("first", "second"):
            with captured() as streams:
                logging.basicConfig(format="%(message)s", level=logging.INFO)
                logging.info(text)
            assert texts(streams) == ("", f"{text}\n")
            assert root.handlers == host
    finally:
        root.setLevel(level)


def test_long_streams_are_objects(dispatch: Dispatch) -> None:
    def chatty() -> None:
        print("é" * (records.INLINE_STREAM + 1))
        print("short", file=sys.stderr)

    dispatch.call(chatty)
    item = dispatch.item(0)
    assert "stdout" not in item
    assert dispatch.object(item["stdout_key"]).decode() == "é" * 2049 + "\n"
    assert item["stderr"] == "short\n"


@pytest.mark.parametrize("text", ["é" * records.INLINE_STREAM, "x" * records.INLINE_STREAM])
def test_short_is_counted_in_characters(text: str) -> None:
    with captured() as streams:
        print(text, end="")
    assert streams.text("stdout") == text


def test_bytes_that_are_no_text_are_kept_readable(dispatch: Dispatch) -> None:
    def garbage() -> Any:
        import os

        return os.write(1, b"ok \xff\n")

    dispatch.call(garbage)
    assert dispatch.item(0)["stdout"] == "ok \ufffd\n"
