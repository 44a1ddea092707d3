"""Sublattices: built and handed over, collected, and what becomes of them when their dispatch fails."""

import json
import platform
from collections.abc import Callable
from typing import Any

import pytest

from covalent_contracts import keys, pickling, records
from covalent_contracts import sheet as sheets
from covalent_contracts.built import Built
from covalent_contracts.envelope import Collect, parse
from covalent_contracts.hooks import Hooks
from covalent_contracts.ids import digest_of, sub_dispatch_id
from covalent_contracts.sheet import Light, Page, Sheet
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.lambda_handler import handle

from .conftest import DISPATCH_ID, OWNER, TABLE, Dispatch, NodeRef

CHILD = sub_dispatch_id(DISPATCH_ID, 0)


def build(*values: Any) -> Built:
    print("building")
    document = json.dumps(values).encode()
    return Built(document, {digest_of(document): document})


def add_sublattice(dispatch: Dispatch, function: Callable[..., Any] = build, **fields: Any) -> None:
    one = dispatch.constant(1, 5)
    all_fields: dict[str, Any] = {"before": (one,), "args": (1,), "sublattice": True} | fields
    dispatch.add(0, function, **all_fields)


class TestBuilding:
    def test_what_was_built_is_kept_and_the_node_is_dispatching(self, dispatch: Dispatch) -> None:
        add_sublattice(dispatch)
        dispatch.run(0)
        assert dispatch.status(0) == "DISPATCHING"
        assert dispatch.object(keys.sub_manifest(DISPATCH_ID, 0)) == b"[5]"
        assert dispatch.object(keys.asset(OWNER, digest_of(b"[5]"))) == b"[5]"
        assert dispatch.item(0)["stdout"] == "building\n"
        assert "ended" not in dispatch.item(0)

    def test_a_second_delivery_does_not_build_again(self, dispatch: Dispatch) -> None:
        add_sublattice(dispatch)
        dispatch.run(0)
        before = dispatch.item(0)
        dispatch.run(0)
        dispatch.run(0, attempt=1)
        assert dispatch.item(0) == before

    def test_of_two_builds_the_first_one_stays(self, dispatch: Dispatch) -> None:
        dispatch.put(keys.sub_manifest(DISPATCH_ID, 0), b"of a process that died")
        add_sublattice(dispatch)
        dispatch.run(0)
        assert dispatch.status(0) == "DISPATCHING"
        assert dispatch.object(keys.sub_manifest(DISPATCH_ID, 0)) == b"of a process that died"

    def test_a_build_that_fails_is_tried_again(self, dispatch: Dispatch) -> None:
        def flawed(_: int) -> None:
            raise ValueError("no graph")

        add_sublattice(dispatch, flawed, retries=1)
        with pytest.raises(ElectronFailed, match="ValueError"):
            dispatch.run(0)
        assert (dispatch.status(0), dispatch.has_failed) == ("RUNNING", False)
        add_sublattice(dispatch, retries=1)
        dispatch.run(0, attempt=1)
        assert (dispatch.status(0), dispatch.error(0)) == ("DISPATCHING", "")

    def test_the_last_build_that_fails_fails_the_node(self, dispatch: Dispatch) -> None:
        add_sublattice(dispatch, lambda _: 1 / 0)
        with pytest.raises(ElectronFailed):
            dispatch.run(0)
        assert (dispatch.status(0), dispatch.has_failed) == ("FAILED", True)
        assert dispatch.error(0).endswith("ZeroDivisionError: division by zero")

    def test_what_is_no_graph_is_refused(self, dispatch: Dispatch) -> None:
        add_sublattice(dispatch, lambda _: 5)
        with pytest.raises(ElectronFailed):
            dispatch.run(0)
        assert "gave a int, not its graph" in dispatch.error(0)

    def test_hooks_run_around_it(self, dispatch: Dispatch) -> None:
        add_sublattice(dispatch, hooks=Hooks(bash=("echo before",)))
        dispatch.run(0)
        assert dispatch.item(0)["stdout"] == "before\nbuilding\n"

    def test_one_that_was_cancelled_meanwhile_stays_so(self, dispatch: Dispatch) -> None:
        claim = dispatch.store.claim(DISPATCH_ID, 0, 0, 1)
        dispatch.set_record(0, status={"S": "CANCELLED"})
        assert not dispatch.store.hand_over(DISPATCH_ID, 0, claim, {})
        assert dispatch.status(0) == "CANCELLED"


class Family:
    """A dispatch whose node 0 is a sublattice, and that one's dispatch."""

    def __init__(self, dispatch: Dispatch, **fields: Any) -> None:
        self.parent = dispatch
        add_sublattice(dispatch, **fields)
        dispatch.publish()
        dispatch.set_record(0, status={"S": "DISPATCHING"}, started={"N": "1"})
        self.sheets: dict[int, Sheet] = {}
        self.child("RUNNING")

    def child(self, status: str, **attributes: Any) -> None:
        self._item(records.DISPATCH, status={"S": status}, nodes={"N": "4"}, **attributes)

    def record(self, node: int, status: str, value: Any = None, error: str = "") -> None:
        data = pickling.dumps(value)
        output = {
            "digest": {"S": digest_of(data)},
            "size": {"N": str(len(data))},
            "kind": {"S": type(value).__name__},
            "output": {"B": data},
        }
        told = {"error": {"S": error}} if error else {}
        done = output if status == "COMPLETED" else {}
        self._item(records.node_sk(node), status={"S": status}, **told, **done)

    def returns(self, recipe: Any, *inputs: int) -> None:
        light = Light(3, "collection", value=self.parent.asset(recipe), inputs=inputs)
        self.sheets[3] = Sheet(3, ":postprocess:", light=light, inputs=inputs)

    def collect(self) -> None:
        page = Page(CHILD, DISPATCH_ID, OWNER, platform.python_version(), self.sheets)
        self.parent.put(keys.sheets(CHILD, 0), sheets.dump(page))
        handle(self.parent.store, Collect(DISPATCH_ID, 0), lambda: 30.0)

    def _item(self, sk: str, **attributes: Any) -> None:
        key = {records.PK: {"S": records.dispatch_pk(CHILD)}, records.SK: {"S": sk}}
        self.parent.dynamodb.put_item(TableName=TABLE, Item={**key, **attributes})


@pytest.fixture
def family(dispatch: Dispatch) -> Family:
    return Family(dispatch)


class TestCollecting:
    def test_what_the_lattice_returns_is_the_output(self, family: Family) -> None:
        family.returns({"both": [NodeRef(0), NodeRef(1)], "plain": 7}, 0, 1)
        family.record(0, "COMPLETED", 1)
        family.record(1, "COMPLETED", 2)
        family.collect()
        assert family.parent.status(0) == "COMPLETED"
        assert family.parent.value(0) == {"both": [1, 2], "plain": 7}
        assert family.parent.item(0)["started"] == "1"

    def test_a_value_alone_passes_through_unread(self, family: Family) -> None:
        """Its classes need not be where it is collected."""

        class Elsewhere:
            def __reduce__(self) -> Any:
                return pickling.loads, (b"this cannot be loaded",)

        family.returns(NodeRef(1), 1)
        family.record(1, "COMPLETED", Elsewhere())
        family.collect()
        assert family.parent.status(0) == "COMPLETED"
        assert family.parent.output(0) == pickling.dumps(Elsewhere())

    def test_a_lattice_that_returns_a_number_is_not_taken_for_a_reference(
        self, family: Family
    ) -> None:
        family.returns(1)
        family.collect()
        assert family.parent.value(0) == 1

    def test_light_nodes_behind_it_are_computed(self, dispatch: Dispatch) -> None:
        key = dispatch.constant(6, "sum")
        item = Light(5, "item", inputs=(0, 6))
        family = Family(dispatch, after=(key, item))
        family.returns({"sum": NodeRef(1)}, 1)
        family.record(1, "COMPLETED", 12)
        family.collect()
        assert (dispatch.value(0), dispatch.value(5)) == ({"sum": 12}, 12)

    def test_a_light_node_that_fails_leaves_the_value(self, dispatch: Dispatch) -> None:
        item = Light(5, "attribute", op="absent", inputs=(0,))
        family = Family(dispatch, after=(item,))
        family.returns(NodeRef(1), 1)
        family.record(1, "COMPLETED", 12)
        family.collect()
        assert (dispatch.status(0), dispatch.status(5)) == ("COMPLETED", "FAILED")
        assert dispatch.has_failed

    def test_gates_behind_it_open(self, dispatch: Dispatch) -> None:
        family = Family(dispatch, releases=(9,))
        dispatch.wait(9, 1, "token")
        family.returns(5)
        family.collect()
        assert dispatch.store.released == ["token"]

    def test_again_is_the_same_as_once(self, family: Family) -> None:
        family.returns(5)
        family.collect()
        before = family.parent.item(0)
        family.child("FAILED")
        family.collect()
        assert family.parent.item(0) == before

    def test_what_cannot_be_put_together_fails_the_node(self, family: Family) -> None:
        family.returns([NodeRef(1)], 1)
        family._item(
            records.node_sk(1), status={"S": "COMPLETED"}, digest={"S": "0" * 64}, size={"N": "1"}
        )
        with pytest.raises(ElectronFailed):
            family.collect()
        assert family.parent.status(0) == "FAILED"
        assert "CorruptedObject" in family.parent.error(0)

    def test_one_that_was_never_built_is_left_alone(self, family: Family) -> None:
        family.returns(5)
        key = {"pk": {"S": records.dispatch_pk(DISPATCH_ID)}, "sk": {"S": records.node_sk(0)}}
        family.parent.dynamodb.delete_item(TableName=TABLE, Key=key)
        with pytest.raises(UpstreamFailed):
            family.collect()
        assert family.parent.status(0) is None

    def test_the_event_is_read(self) -> None:
        event = {"do": "collect", "dispatch_id": DISPATCH_ID, "node": 3}
        assert parse(event) == Collect(DISPATCH_ID, 3)


class TestFailures:
    def test_the_error_names_the_electron_and_the_dispatch(self, family: Family) -> None:
        family.sheets[0] = Sheet(0, "load")
        family.returns(5)
        family.record(
            0, "FAILED", error="Traceback (most recent call last):\n  File 1\nValueError: no file"
        )
        family.child("RUNNING", has_failed={"BOOL": True})
        with pytest.raises(ElectronFailed):
            family.collect()
        who = f"sublattice {build.__name__} (dispatch {CHILD})"
        assert family.parent.error(0).splitlines() == [
            f"{who} failed:",
            "0: load: ValueError: no file",
        ]
        assert family.parent.has_failed

    def test_of_a_sublattice_within_it_the_whole_error_is_told(self, family: Family) -> None:
        family.sheets[0] = Sheet(0, ":sublattice:inner", sublattice=True)
        inner = "sublattice inner (dispatch x) failed:\n2: load: ValueError: no"
        family.returns(5)
        family.record(0, "FAILED", error=inner)
        family.child("FAILED")
        with pytest.raises(ElectronFailed):
            family.collect()
        assert family.parent.error(0).splitlines()[1:] == [
            "0: :sublattice:inner: sublattice inner (dispatch x) failed:",
            "  2: load: ValueError: no",
        ]

    def test_light_nodes_are_named_too(self, family: Family) -> None:
        family.sheets[0] = Sheet(0, "load", after=(Light(2, "item", inputs=(0, 1)),))
        family.returns(NodeRef(2), 2)
        family.record(2, "FAILED", error="KeyError: 'k'")
        with pytest.raises(ElectronFailed):
            family.collect()
        assert family.parent.error(0).endswith("2: item: KeyError: 'k'")

    def test_a_cancelled_dispatch_makes_the_node_cancelled(self, family: Family) -> None:
        family.returns(5)
        family.child("CANCELLED")
        with pytest.raises(UpstreamFailed, match="cancelled"):
            family.collect()
        assert family.parent.status(0) == "CANCELLED"
        assert not family.parent.has_failed
        assert family.parent.raw_item(records.DISPATCH)["has_cancelled"]

    @pytest.mark.parametrize("also_failed", [False, True])
    def test_a_task_of_it_that_was_cancelled(self, family: Family, also_failed: bool) -> None:
        """Although nothing that is returned needs it. A failure beside it wins."""
        family.sheets |= {0: Sheet(0, "kept"), 1: Sheet(1, "cancelled"), 2: Sheet(2, "failed")}
        family.returns(NodeRef(0), 0)
        family.record(0, "COMPLETED", 5)
        family.record(1, "CANCELLED")
        if also_failed:
            family.record(2, "FAILED", error="KeyError: 'k'")
        family.child("RUNNING", has_cancelled={"BOOL": True})
        with pytest.raises(ElectronFailed if also_failed else UpstreamFailed):
            family.collect()
        assert family.parent.status(0) == ("FAILED" if also_failed else "CANCELLED")

    def test_an_execution_that_was_aborted_is_told(self, family: Family) -> None:
        cause = json.dumps({"ExecutionArn": "x", "Status": "ABORTED", "Cause": "by hand"})
        family.parent.report(0, error="States.TaskFailed", cause=cause)
        assert family.parent.status(0) == "FAILED"
        assert CHILD in family.parent.error(0)
        assert "the nested execution ended ABORTED: by hand" in family.parent.error(0)

    def test_one_that_was_aborted_because_it_was_cancelled_is_cancelled(
        self, family: Family
    ) -> None:
        family.child("CANCELLED")
        family.parent.report(0, error="States.TaskFailed", cause="ABORTED")
        assert family.parent.status(0) == "CANCELLED"

    def test_what_could_not_be_adopted_fails_with_the_reason(self, dispatch: Dispatch) -> None:
        add_sublattice(dispatch)
        dispatch.set_record(0, status={"S": "DISPATCHING"})
        cause = json.dumps({"errorType": "LimitExceeded", "errorMessage": "too deep"})
        dispatch.report(0, error="LimitExceeded", cause=cause)
        assert dispatch.error(0) == "LimitExceeded: too deep"
        assert dispatch.has_failed

    def test_one_that_was_dispatching_when_its_execution_was_lost_fails(
        self, dispatch: Dispatch
    ) -> None:
        add_sublattice(dispatch)
        dispatch.set_record(0, status={"S": "DISPATCHING"})
        dispatch.lost(0, error="States.TaskFailed", cause="gone")
        assert dispatch.status(0) == "FAILED"
