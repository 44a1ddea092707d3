"""A run of all that the deployment can do, for the requests that come of it."""

import json
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.iam import recording
from tests.iam.calls import Request
from tests.iam.watching import Watching, refuse
from tests.iam.workflows import (
    ATTEMPTS,
    HELD,
    LARGE,
    broken,
    failing_elsewhere,
    flowers,
    held_elsewhere,
    killed_elsewhere,
    long,
    nesting,
    numerous,
    paused,
    resting,
    scattered,
    spying,
    unbuilt,
    wide,
)
from tests.running import Server

import covalent as ct
from covalent_contracts import records
from covalent_contracts.api import PREFIX
from covalent_contracts.ids import sub_dispatch_id
from covalent_executors.awsbatch.template import ARRAY
from covalent_localstack import environment

PLACES = Path(__file__).parents[1] / "places"
"""Where an executor is whose jobs the bridge submits, as an installed package adds it."""
COLLEAGUE = "arn:aws:iam::123456789012:user/colleague"


@dataclass(frozen=True)
class Run:
    """What was recorded: requests of the deployment, and those that the spy made beside."""

    requests: Sequence[Request]
    attempts: Sequence[Request]


def run(folder: Path) -> Run:
    """Do everything on a server of its own, and read what was recorded.

    Args:
        folder: for the server's data and the record.

    """
    record = folder / "calls.jsonl"
    server = Server(folder, secrets.token_hex(16), module="tests.iam.recording")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(recording.VARIABLE, str(record))
        patch.setenv("COVALENT_CONFIG_DIR", str(folder / "config"))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(PLACES), os.environ.get("PYTHONPATH", "")]))
        ct.reload_config()
        ct.set_config({"executors.shell": {"root": str(folder / "shell")}})
        server.start()
        try:
            Script(server).play()
        finally:
            server.stop()
    ct.reload_config()
    requests = [Request(**json.loads(line)) for line in record.read_text().splitlines()]
    spied = [each for each in requests if each.role == "electron" and "Boto3" in each.agent]
    return Run([each for each in requests if each not in spied], spied)


@dataclass
class Script:
    """The steps, on a running server."""

    server: Server

    @cached_property
    def items(self) -> Any:
        """A client of the table."""
        return self.server.client("dynamodb")

    def play(self) -> None:
        """Make all steps, and see that each did what it is for."""
        first = self._ended(flowers)
        self._read(first)
        self._ended(broken, status="FAILED")
        self._ended(wide, 1200)
        divided = self._ended(long, 1800, 40, status="FAILED")
        answers = ct.get_result(self._ended(spying, first, self._owner(first))).result
        assert len(answers) == ATTEMPTS, answers
        self._ended(nesting, 0)
        self._ended(nesting, 1)
        self._ended(unbuilt, status="FAILED")
        refuse(self.server, environment.ADOPTER, {"dispatch_id": first, "node": 0})
        self._adopt_again(self._ended(nesting, 0))
        again = ct.redispatch(first, reuse_previous_results=True)()
        assert ct.get_result(again, wait=True).status == "COMPLETED"
        self._cancel(ct.dispatch(paused)(1800, 40))
        self._cancel_nested(ct.dispatch(resting)())
        self._forget_end(ct.dispatch(resting)())
        self._stop(ct.dispatch(paused)(1800, 40))
        self._look_after(divided)
        self._scatter()
        Watching(self.server).play()

    def _scatter(self) -> None:
        """Jobs in other places: they end, fail and are cancelled; and what is left of them is looked for."""
        self._ended(scattered, 1)
        self._ended(failing_elsewhere, status="FAILED")
        self._ended(killed_elsewhere, status="FAILED")
        self._ended(numerous, ARRAY.least, status="FAILED")
        held: str = ct.dispatch(held_elsewhere)()
        while "job_handle" not in self._item(held, records.node_sk(0)).get("Item", {}):
            pass  # each look is a request; there is nothing to sleep for
        ct.cancel(held)
        assert ct.get_result(held, wait=True).status == "CANCELLED"
        self._invoke(environment.ANSWER)

    def _ended(self, lattice: Any, *args: Any, status: str = "COMPLETED") -> str:
        dispatch_id: str = ct.dispatch(lattice)(*args)
        assert ct.get_result(dispatch_id, wait=True).status == status
        return dispatch_id

    def _read(self, dispatch_id: str) -> None:
        """As its owner does: values and streams by presigned addresses, listings, records far apart, sharing."""
        result = ct.get_result(dispatch_id)
        node = next(
            each for each in result.get_all_node_results() if each["node_name"] == "measured"
        )
        assert len(node["stdout"]) > LARGE
        assert len(node["output"].get_deserialized()["bulk"]) == LARGE
        self._ask("GET", "/dispatches")
        self._ask("POST", f"/dispatches/{dispatch_id}/nodes", {"ids": [0, 9]})
        self._ask("GET", f"/dispatches/{dispatch_id}/sharing")
        self._ask("PUT", f"/dispatches/{dispatch_id}/sharing", {"shared_with": [COLLEAGUE]})

    def _ask(self, method: str, path: str, document: Any = None) -> Any:
        address = f"http://127.0.0.1:{self.server.port}{PREFIX}{path}"
        headers = {"Authorization": f"Bearer {self.server.token}"}
        answer = httpx.request(method, address, headers=headers, json=document, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _adopt_again(self, dispatch_id: str) -> None:
        """The call for a sublattice comes once more when it has ended."""
        self._set(dispatch_id, "status = :status", {":status": {"S": "RUNNING"}})
        event = {"dispatch_id": dispatch_id, "node": 0}
        answer = self.server.client("lambda").invoke(
            FunctionName=environment.ADOPTER, Payload=json.dumps(event)
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        self._set(dispatch_id, "status = :status", {":status": {"S": "COMPLETED"}})

    def _cancel(self, dispatch_id: str) -> None:
        self._await_held(dispatch_id)
        ct.cancel(dispatch_id, task_ids=[HELD])
        ct.cancel(dispatch_id)
        assert ct.get_result(dispatch_id, wait=True).status == "CANCELLED"

    def _cancel_nested(self, dispatch_id: str) -> None:
        self._await_held(sub_dispatch_id(dispatch_id, 0), 0)
        ct.cancel(dispatch_id)
        assert ct.get_result(dispatch_id, wait=True).status == "CANCELLED"

    def _forget_end(self, dispatch_id: str) -> None:
        """A dispatch is stopped, and the end of its sublattice's is not told before its own."""
        child = sub_dispatch_id(dispatch_id, 0)
        self._await_held(child, 0)
        execution = self.server.execution(dispatch_id)
        self.server.client("stepfunctions").stop_execution(executionArn=execution)
        for each in (dispatch_id, child):
            assert ct.get_result(each, wait=True).status == "FAILED"
            self._set(each, "status = :status", {":status": {"S": "RUNNING"}})
        machine = execution.rpartition(":")[0].replace(":execution:", ":stateMachine:")
        end = {"name": dispatch_id, "status": "ABORTED", "executionArn": execution}
        self._invoke(environment.FINISHER, {**end, "stateMachineArn": machine})

    def _await_held(self, dispatch_id: str, node: int = HELD) -> None:
        while "Item" not in self._item(dispatch_id, records.node_sk(node)):
            pass  # each look is a request; there is nothing to sleep for

    def _stop(self, dispatch_id: str) -> None:
        """While one of its parts runs."""
        self._await_held(dispatch_id)
        self.server.client("stepfunctions").stop_execution(
            executionArn=self.server.execution(dispatch_id)
        )
        assert ct.get_result(dispatch_id, wait=True).status == "FAILED"

    def _look_after(self, dispatch_id: str) -> None:
        """A dispatch that was left STARTING and has lost its machines is started again; then unused machines go."""
        states = self.server.client("stepfunctions")
        machine = self.server.execution(dispatch_id).split(":")[6]
        for each in states.list_state_machines()["stateMachines"]:
            states.delete_state_machine(stateMachineArn=each["stateMachineArn"])
        self._leave_starting(dispatch_id, machine)
        self._invoke("covalent-restart")
        assert ct.get_result(dispatch_id, wait=True).status == "FAILED"  # as before
        for _ in range(2):  # parts go a day after the machines that name them
            self._invoke("covalent-sweep")
        assert states.list_state_machines()["stateMachines"] == []

    def _leave_starting(self, dispatch_id: str, machine: str) -> None:
        values = {
            ":status": {"S": "STARTING"},
            ":one": {"S": "1"},
            ":now": {"N": str(time.time_ns() // 1000)},
            ":machine": {"S": machine},
        }
        sets = "status = :status, starting = :one, asked = :now, machine = :machine"
        self._set(dispatch_id, sets, values)

    def _set(self, dispatch_id: str, sets: str, values: Any) -> None:
        self.items.update_item(
            TableName=environment.TABLE,
            Key={"pk": {"S": f"D#{dispatch_id}"}, "sk": {"S": "DISPATCH"}},
            UpdateExpression=f"SET #{sets}",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=values,
        )

    def _invoke(self, name: str, detail: Any = None) -> None:
        event: dict[str, Any] = {
            **dict.fromkeys(("version", "id", "source", "account", "time", "region"), ""),
            "detail-type": "Scheduled Event",
            "resources": [],
            "detail": detail or {},
        }
        answer = self.server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        said = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, said

    def _owner(self, dispatch_id: str) -> str:
        return str(self._item(dispatch_id, records.DISPATCH)["Item"]["owner"]["S"])

    def _item(self, dispatch_id: str, sk: str) -> Any:
        key = {records.PK: {"S": records.dispatch_pk(dispatch_id)}, records.SK: {"S": sk}}
        return self.items.get_item(TableName=environment.TABLE, Key=key)
