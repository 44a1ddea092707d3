from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.errors import CorruptedObject
from covalent_runner.execute import Computed, Execution
from covalent_runner.remote import verdicts
from covalent_runner.streams import Streams

LIGHTS = st.lists(
    st.builds(Computed, st.integers(0, 99), st.binary(max_size=50))
    | st.builds(Computed, st.integers(0, 99), st.none(), st.text(max_size=20)),
    max_size=3,
)


def written(execution: Execution, out: bytes = b"", err: bytes = b"") -> bytes:
    execution.streams.files["stdout"].write(out)
    execution.streams.files["stderr"].write(err)
    file = BytesIO()
    verdicts.write(file, execution)
    return file.read()


@given(
    data=st.binary(max_size=200),
    before=LIGHTS,
    after=LIGHTS,
    out=st.binary(),
    err=st.binary(),
    beside=st.binary(),
)
def test_what_was_written_is_read(
    data: bytes,
    before: list[Computed],
    after: list[Computed],
    out: bytes,
    err: bytes,
    beside: bytes,
) -> None:
    given = Execution(Streams(), data, before, after, attached=beside)
    found = verdicts.read(BytesIO(written(given, out, err)))
    assert (found.data, found.before, found.after) == (data, before, after)
    assert found.attached == beside
    for name, text in (("stdout", out), ("stderr", err)):
        file = found.streams.files[name]
        file.seek(0)
        assert file.read() == text
    found.streams.close()


def test_an_error_has_no_output() -> None:
    found = verdicts.read(BytesIO(written(Execution(Streams(), error="Why: so", reason="Why"))))
    assert (found.data, found.error, found.reason) == (b"", "Why: so", "Why")


def test_an_error_may_have_left_something() -> None:
    data = written(Execution(Streams(), error="Why: so", reason="Why", attached=b"before"))
    assert verdicts.read(BytesIO(data)).attached == b"before"
    with pytest.raises(CorruptedObject, match="the attachments of the try was altered"):
        verdicts.read(BytesIO(data.replace(b"before", b"BEFORE")))


def test_what_was_altered_is_refused() -> None:
    data = written(Execution(Streams(), b"the output"), b"out")
    with pytest.raises(CorruptedObject, match="the output of the try was altered"):
        verdicts.read(BytesIO(data.replace(b"the output", b"the OUTPUT")))


@pytest.mark.parametrize("kept", [0, 3, 20, -1])
def test_what_was_cut_short_is_refused(kept: int) -> None:
    data = written(Execution(Streams(), b"the output"), b"out")
    with pytest.raises(CorruptedObject, match="cut short"):
        verdicts.read(BytesIO(data[:kept]))
