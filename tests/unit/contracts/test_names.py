"""Ids, object keys and item keys: names that must not collide, nor lead out of where they belong."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts import ids, keys, records

nodes = st.integers(0, 9_999_999)


def test_a_new_dispatch_id_is_one_and_is_new() -> None:
    made = {ids.new_dispatch_id() for _ in range(100)}
    assert len(made) == 100
    assert all(map(ids.is_dispatch_id, made))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345678-1234-1234-1234-123456789ab",
        "12345678-1234-1234-1234-123456789ABC",
        "12345678-1234-1234-1234-123456789abc\n",
        "x12345678-1234-1234-1234-123456789abc",
        "123456781234123412341234567890abcdef",
        "../345678-1234-1234-1234-123456789abc",
    ],
)
def test_what_is_no_dispatch_id(text: str) -> None:
    assert not ids.is_dispatch_id(text)


@given(st.text(), st.text())
def test_owners_are_short_key_safe_and_differ(one: str, other: str) -> None:
    owner = ids.owner_of(one)
    assert len(owner) == 16
    assert set(owner) <= set("0123456789abcdef")
    assert (owner == ids.owner_of(other)) == (one == other)


def test_the_owner_of_a_principal_never_changes() -> None:
    assert ids.owner_of("arn:aws:iam::123456789012:user/ada") == "397b11bbda6668a5"


@given(st.binary())
def test_digests_are_sha256(data: bytes) -> None:
    assert ids.digest_of(data) == sha256(data).hexdigest()


@given(nodes, nodes)
def test_items_sort_as_their_nodes_and_tell_them(one: int, other: int) -> None:
    assert (records.node_sk(one) < records.node_sk(other)) == (one < other)
    assert records.node_of(records.node_sk(one)) == one
    assert records.node_of(records.gate_sk(one)) == one
    assert records.node_sk(one) != records.gate_sk(other)


@given(nodes)
def test_a_page_holds_consecutive_nodes(node: int) -> None:
    first = keys.page_of(node) * keys.SHEETS_PER_PAGE
    assert first <= node < first + keys.SHEETS_PER_PAGE


@given(nodes, nodes)
def test_every_object_of_a_dispatch_has_a_key_of_its_own(one: int, other: int) -> None:
    dispatch = ids.new_dispatch_id()
    found = [
        keys.manifest(dispatch),
        keys.machines(dispatch),
        *{keys.sheets(dispatch, keys.page_of(node)) for node in (one, other)},
        *{keys.output(dispatch, node, "d") for node in (one, other)},
        *{keys.stream(dispatch, node, "stdout", "d") for node in (one, other)},
        *{keys.stream(dispatch, node, "stderr", "d") for node in (one, other)},
    ]
    assert len(set(found)) == len(found)
    assert all(key.startswith(f"dispatches/{dispatch}/") for key in found)


def test_assets_belong_to_their_owner() -> None:
    assert keys.asset("owner", "digest") == "assets/owner/digest"


def test_a_dispatch_is_a_partition() -> None:
    assert records.dispatch_pk("x") == "D#x"
