import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.errors import NewerWire
from covalent_contracts.sheet import WIRE, Light, Page, Ref, Sheet, dump, load

nodes = st.integers(0, 10_000)
ids = st.lists(nodes, max_size=4).map(tuple)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
refs = st.builds(
    Ref,
    digest=digests,
    size=st.integers(0, 10**9),
    pack=st.just("") | digests,
    offset=st.integers(0, 10**6),
)
lights = st.builds(
    Light,
    id=nodes,
    kind=st.sampled_from(["parameter", "collection", "item", "attribute", "operator"]),
    op=st.sampled_from(["", "add", "rsub", "shape"]),
    value=st.none() | refs,
    inputs=ids,
)
sheets = st.builds(
    Sheet,
    id=nodes,
    name=st.text(max_size=20),
    function=st.none() | refs,
    hooks=st.none() | refs,
    args=ids,
    kwargs=st.none()
    | st.dictionaries(st.text(min_size=1, max_size=8), nodes, min_size=1, max_size=3),
    before=st.lists(lights, max_size=3).map(tuple),
    inputs=ids,
    waits=ids,
    after=st.lists(lights, max_size=3).map(tuple),
    light=st.none() | lights,
    children=ids,
    releases=ids,
    gated=st.booleans(),
    retries=st.integers(0, 9),
    time_limit=st.floats(0, 1e6),
)
pages = st.builds(
    Page,
    dispatch_id=st.uuids().map(str),
    root_dispatch_id=st.uuids().map(str),
    owner=st.text("0123456789abcdef", min_size=16, max_size=16),
    python=st.sampled_from(["3.11.7", "3.13.1"]),
    sheets=st.lists(sheets, max_size=4, unique_by=lambda sheet: sheet.id).map(
        lambda found: {sheet.id: sheet for sheet in found}
    ),
)


@given(pages)
def test_a_page_comes_back_as_it_was(page: Page) -> None:
    assert load(dump(page)) == page


def page_with(sheet: Sheet) -> Page:
    return Page("d", "d", "o", "3.11.7", {sheet.id: sheet})


def test_node_zero_survives_the_slimming() -> None:
    sheet = Sheet(id=0, name="f", args=(0,), kwargs={"x": 0}, children=(0,))
    assert load(dump(page_with(sheet))).sheets[0] == sheet


def test_no_keywords_and_no_keyword_arguments_are_the_same_to_the_runner() -> None:
    sheet = load(dump(page_with(Sheet(id=1, name="f", kwargs={})))).sheets[1]
    assert not sheet.kwargs


def test_empty_fields_cost_nothing() -> None:
    document = json.loads(dump(page_with(Sheet(id=3, name="f"))))
    assert set(document["sheets"][0]) <= {"id", "name", "retries", "time_limit"}


def test_a_newer_page_is_refused_with_the_cure() -> None:
    document = json.loads(dump(page_with(Sheet(id=3, name="f"))))
    document["wire"] = WIRE + 1
    with pytest.raises(NewerWire, match=rf"wire version {WIRE + 1}.*deploy the new runner"):
        load(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("kind", "recorded"),
    [
        ("parameter", False),
        ("collection", False),
        ("item", True),
        ("attribute", True),
        ("operator", True),
    ],
)
def test_which_light_nodes_have_records(kind: str, recorded: bool) -> None:
    assert Light(1, kind).is_recorded is recorded
