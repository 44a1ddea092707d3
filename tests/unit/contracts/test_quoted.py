import json

from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.quoted import quoted_size


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_the_size_is_what_is_sent(value: object) -> None:
    document = json.dumps(value, ensure_ascii=False)
    assert quoted_size(document) == len(json.dumps(document, ensure_ascii=False).encode()) - 2
