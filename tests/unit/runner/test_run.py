from threading import Barrier, Thread
from typing import Any

import pytest
from botocore.client import BaseClient

from covalent_contracts import keys, records
from covalent_contracts.context import current
from covalent_contracts.envelope import Run
from covalent_contracts.sheet import Light
from covalent_contracts.status import Status
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.lambda_handler import handle
from covalent_runner.store import Outcome

from .conftest import BUCKET, DISPATCH_ID, OWNER, Dispatch, NodeRef, TokenStore


def add(a: int, b: int) -> int:
    return a + b


def test_an_electron_runs_with_constants(dispatch: Dispatch) -> None:
    assert dispatch.call(add, 2, 3) == 5
    item = dispatch.item(0)
    assert item["status"] == "COMPLETED"
    assert item["kind"] == "int"
    assert 0 < int(item["started"]) <= int(item["ended"])
    assert not {"error", "stdout", "stderr", "stdout_key"} & set(item)
    assert not dispatch.has_failed


def test_keyword_arguments_and_recorded_inputs(dispatch: Dispatch) -> None:
    dispatch.add(0, lambda: 40)
    dispatch.add(1, add, inputs=(0,), args=(0,), kwargs={"b": 2}, before=(dispatch.constant(2, 2),))
    dispatch.run(0)
    dispatch.run(1)
    assert dispatch.value(1) == 42


def test_a_constant_electron_costs_two_calls(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch.call(add, 1, 1)  # warms the caches
    dispatch.add(3, add, before=dispatch.sheets[0].before, args=(1, 2))
    dispatch.publish()
    dispatch.store.page(DISPATCH_ID, 0)
    calls: list[str] = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counted(self: Any, operation: str, arguments: Any) -> Any:
        calls.append(operation)
        return original(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    handle(dispatch.store, Run(DISPATCH_ID, 3, 0), lambda: 30.0)
    assert calls == ["PutItem", "PutItem"]


def test_a_collection_resolves_electrons(dispatch: Dispatch) -> None:
    dispatch.complete(5, "five")
    collection = Light(
        2, "collection", value=dispatch.asset({"k": [NodeRef(5), NodeRef(1)]}), inputs=(5, 1)
    )
    dispatch.add(
        0,
        lambda c: c,
        inputs=(5,),
        before=(collection, dispatch.constant(1, 1)),
        args=(2,),
    )
    dispatch.run(0)
    assert dispatch.value(0) == {"k": ["five", 1]}


def test_a_large_output_is_an_object(dispatch: Dispatch) -> None:
    assert dispatch.call(lambda: b"x" * 10_000) == b"x" * 10_000
    item = dispatch.item(0)
    assert "output" not in item
    assert len(dispatch.object(keys.output(DISPATCH_ID, 0, item["digest"]))) == int(item["size"])
    dispatch.add(1, len, inputs=(0,), args=(0,))
    dispatch.run(1)
    assert dispatch.value(1) == 10_000


def test_more_inputs_than_one_batch_takes(dispatch: Dispatch) -> None:
    nodes = tuple(range(1, 251))
    for node in nodes:
        dispatch.complete(node, node)
    dispatch.add(300, lambda *all_: sum(all_), inputs=nodes, args=nodes)
    dispatch.run(300)
    assert dispatch.value(300) == sum(nodes)


def test_state_of_a_function_does_not_reach_its_next_electron(dispatch: Dispatch) -> None:
    def counting(seen: list[int] = []) -> int:  # noqa: B006
        seen.append(1)
        return len(seen)

    dispatch.add(0, counting)
    dispatch.add(1, counting)
    dispatch.run(0)
    dispatch.run(1)
    assert dispatch.value(1) == 1


def test_the_context_is_told(dispatch: Dispatch) -> None:
    def where() -> tuple[str | None, int | None]:
        from covalent_contracts.context import current

        here = current()
        return here.dispatch_id, here.task_id

    assert dispatch.call(where) == (DISPATCH_ID, 0)
    assert current().dispatch_id is None


@pytest.mark.parametrize("status", [None, "RUNNING", "FAILED", "CANCELLED"])
@pytest.mark.parametrize("role", ["inputs", "waits"])
def test_missing_input_leaves_the_node_unstarted(
    dispatch: Dispatch, status: str | None, role: str
) -> None:
    if status:
        dispatch.set_record(1, status={"S": status})
    needs: dict[str, Any] = {role: (1,)}
    dispatch.add(0, lambda *_: None, **needs)
    with pytest.raises(UpstreamFailed, match=status or "NEW_OBJECT"):
        dispatch.run(0)
    assert dispatch.item(0) == {}
    assert not dispatch.has_failed


def test_waits_are_not_passed(dispatch: Dispatch) -> None:
    dispatch.set_record(1, status={"S": "COMPLETED"})
    dispatch.add(0, lambda: "ran", waits=(1,))
    dispatch.run(0)
    assert dispatch.value(0) == "ran"


def test_altered_input_fails_the_electron_and_names_it(dispatch: Dispatch) -> None:
    dispatch.complete(1, "right")
    dispatch.set_record(
        1, status={"S": "COMPLETED"}, digest={"S": "0" * 64}, size={"N": "1"}, output={"B": b"x"}
    )
    dispatch.add(0, lambda x: x, inputs=(1,), args=(1,))
    with pytest.raises(ElectronFailed):
        dispatch.run(0)
    assert dispatch.status(0) == "FAILED"
    assert dispatch.error(0).startswith("CorruptedObject: the output of node 1 does not match")
    assert dispatch.has_failed


@pytest.mark.parametrize("damage", [None, b"", b"altered"])
def test_altered_or_missing_asset_fails_the_electron(
    dispatch: Dispatch, damage: bytes | None
) -> None:
    sheet = dispatch.add(0, add)
    assert sheet.function is not None
    key = keys.asset(OWNER, sheet.function.digest)
    if damage is None:
        dispatch.s3.delete_object(Bucket=BUCKET, Key=key)
    else:
        dispatch.put(key, damage)
    with pytest.raises(ElectronFailed):
        dispatch.run(0)
    assert "the function" in dispatch.error(0)
    assert "CorruptedObject" in dispatch.error(0)


def test_another_python_is_refused(dispatch: Dispatch) -> None:
    dispatch.python = "3.4.1"
    dispatch.add(0, add)
    with pytest.raises(ElectronFailed):
        dispatch.run(0)
    assert "UnsupportedPython" in dispatch.error(0)


def test_delivered_again_after_the_end(dispatch: Dispatch) -> None:
    dispatch.call(lambda: object, releases=(9,))
    before = dispatch.item(0)
    dispatch.run(0)
    dispatch.run(0, attempt=1)
    assert dispatch.item(0) == before


def test_three_deliveries_at_once_run_the_code_once(dispatch: Dispatch, tmp_path: Any) -> None:
    log = tmp_path / "runs"

    def slow() -> int:
        import time

        with log.open("a") as file:
            file.write("ran\n")
        time.sleep(0.1)
        return 7

    dispatch.add(0, slow)
    dispatch.publish()
    stores = [TokenStore() for _ in range(3)]
    start, failed = Barrier(3), []
    commits: list[bool] = []

    def deliver(store: TokenStore) -> None:
        commit = store.commit

        def counted(*args: Any) -> bool:
            commits.append(commit(*args))
            return commits[-1]

        vars(store)["commit"] = counted
        start.wait()
        try:
            handle(store, Run(DISPATCH_ID, 0, 0), lambda: 30.0)
        except Exception as exc:  # noqa: BLE001
            failed.append(exc)

    threads = [Thread(target=deliver, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert log.read_text() == "ran\n"
    assert commits == [True]
    assert dispatch.value(0) == 7


def test_who_loses_to_a_later_attempt_does_not_run(dispatch: Dispatch) -> None:
    dispatch.set_record(0, status={"S": "RUNNING"}, attempt={"N": "2"})
    dispatch.add(0, lambda: 1 / 0)
    with pytest.raises(ElectronFailed, match="has not ended"):
        dispatch.run(0, attempt=1)
    assert dispatch.item(0)["attempt"] == "2"


def test_a_late_result_does_not_replace_the_first(dispatch: Dispatch) -> None:
    dispatch.add(0, lambda: "first")
    dispatch.publish()
    claim = dispatch.store.claim(DISPATCH_ID, 0, 0, 1)
    assert claim.won
    dispatch.run(0, attempt=1)
    assert not dispatch.store.commit(DISPATCH_ID, Outcome(0, Status.FAILED, ended=2, error="late"))
    assert dispatch.value(0) == "first"
    assert int(dispatch.item(0)["started"]) == 1


def test_a_cancelled_electron_does_not_start(dispatch: Dispatch) -> None:
    dispatch.set_record(0, status={"S": "CANCELLED"})
    dispatch.add(0, add)
    with pytest.raises(UpstreamFailed):
        dispatch.run(0)
    assert dispatch.status(0) == "CANCELLED"


def test_a_lost_answer_to_our_own_claim_is_ours(dispatch: Dispatch, monkeypatch: Any) -> None:
    import uuid

    monkeypatch.setattr("covalent_runner.aws_store.uuid4", lambda: uuid.UUID(int=1))
    assert dispatch.store.claim(DISPATCH_ID, 0, 0, 1).won
    assert dispatch.store.claim(DISPATCH_ID, 0, 0, 1).won


def test_records_lie_where_the_contract_says(dispatch: Dispatch) -> None:
    dispatch.call(add, 1, 2)
    assert dispatch.raw_item(records.node_sk(0))["status"] == "COMPLETED"
