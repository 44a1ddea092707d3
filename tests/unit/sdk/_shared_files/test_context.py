"""What an electron knows of itself."""

import pytest

import covalent as ct
from covalent._shared_files.exceptions import MissingLatticeRecordError
from covalent._shared_files.util_classes import DispatchInfo, Status
from covalent_contracts import context
from covalent_contracts.errors import NotFound


def test_outside_an_electron_nothing_is_known() -> None:
    assert (ct.get_context().dispatch_id, ct.get_context().node_id) == (None, None)


def test_inside_it_is_what_the_runner_set() -> None:
    token = context.set(context.Context("d", 3))
    try:
        found = ct.get_context()
        assert (found.dispatch_id, found.node_id, found.task_id) == ("d", 3, 3)
    finally:
        context.reset(token)
    assert ct.get_context().node_id is None


def test_small_types_are_where_the_api_says() -> None:
    assert DispatchInfo("d").dispatch_id == "d"
    assert Status.RUNNING == "RUNNING"
    with pytest.raises(NotFound):
        raise MissingLatticeRecordError("d")
