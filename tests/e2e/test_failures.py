"""Random DAGs in which electrons fail: exactly their descendants do not run, everything else does."""

from typing import Any

import pytest

import covalent as ct

pytestmark = pytest.mark.usefixtures("server")


@ct.electron
def node(index: int, fails: bool, *_: Any) -> int:
    if fails:
        raise RuntimeError(f"electron {index} was told to fail")
    return index


def test_a_failed_item_stops_only_who_needs_it() -> None:
    @ct.electron
    def mapping() -> dict[str, int]:
        return {"there": 1}

    @ct.electron
    def use(value: int) -> int:
        return value

    @ct.lattice
    def workflow() -> Any:
        found = mapping()
        return use(found["there"]), use(found["missing"])

    result = ct.get_result(ct.dispatch(workflow)(), wait=True)
    assert result.status == "FAILED"
    by_name: dict[str, list[str]] = {}
    for record in result.get_all_node_results():
        by_name.setdefault(record["node_name"], []).append(str(record["status"]))
    assert by_name["mapping"] == ["COMPLETED"]
    assert by_name["use"] == ["COMPLETED", "NEW_OBJECT"]
    assert "KeyError" in str(result.error)
