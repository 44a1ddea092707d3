from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts import transport
from covalent_contracts.errors import CorruptedObject, NewerWire
from covalent_contracts.transport import Header, join, split

words = st.text(max_size=30)
headers = st.builds(Header, type=words, text=words, python=words, cloudpickle=words)
HEADER = Header("int", "1", "3.11.7", "3.1.0")


@given(headers, st.binary())
def test_header_and_body_come_back(header: Header, body: bytes) -> None:
    assert split(join(header, body)) == (header, body)


@given(st.integers(0))
def test_bytes_cut_within_the_header_are_refused(length: int) -> None:
    whole = join(HEADER, b"")
    with pytest.raises(CorruptedObject):
        split(whole[: length % len(whole)])


@given(st.binary())
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptedObject):
        split(b"x" + data)


@given(st.integers(0), st.integers(1, 255))
def test_an_altered_prefix_or_header_raises_nothing_else(place: int, change: int) -> None:
    data = bytearray(join(HEADER, b"body"))
    data[place % (len(data) - len(b"body"))] ^= change
    with suppress(CorruptedObject, NewerWire):
        found, body = split(bytes(data))
        assert isinstance(found, Header)
        assert body.endswith(b"body")


def test_a_newer_value_is_refused_with_the_cure() -> None:
    data = bytearray(join(HEADER, b""))
    data[len(transport.MAGIC)] = transport.WIRE + 1
    with pytest.raises(NewerWire, match="upgrade"):
        split(bytes(data))


@pytest.mark.parametrize("head", [b"[]", b"null", b"1", b'{"type": "int"}', b'{"extra": 1}'])
def test_a_header_of_another_form_is_refused(head: bytes) -> None:
    data = transport.MAGIC + bytes([transport.WIRE]) + len(head).to_bytes(4, "big") + head
    with pytest.raises(CorruptedObject):
        split(data)
