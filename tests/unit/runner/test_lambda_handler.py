import json
import subprocess
import sys
from typing import Any

import pytest

from covalent_contracts.envelope import run_payload
from covalent_runner import errors, lambda_handler

from .conftest import BUCKET, DISPATCH_ID, TABLE, Dispatch


def loaded_by(entry: str) -> set[str]:
    code = f"import sys, json, {entry}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize(
    ("entry", "banned"),
    [
        (
            "covalent_runner.lambda_handler",
            {"boto3", "botocore", "pydantic", "covalent", "cloudpickle"},
        ),
        ("covalent_runner.guard", {"boto3", "botocore", "pydantic", "covalent", "cloudpickle"}),
        ("covalent_runner.run", {"boto3", "botocore", "pydantic", "covalent", "ctypes"}),
        ("covalent_runner.aws_store", {"pydantic", "covalent", "cloudpickle"}),
    ],
)
def test_nothing_heavy_is_loaded(entry: str, banned: set[str]) -> None:
    assert not loaded_by(entry) & banned


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def event(node: int) -> dict[str, Any]:
    """What the state's payload template makes of an execution."""
    payload = run_payload(node)
    return {
        "do": payload["do"],
        "node": payload["node"],
        "dispatch_id": DISPATCH_ID,
        "attempt": 0,
    }


@pytest.fixture
def deployed(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> Dispatch:
    monkeypatch.setenv("COVALENT_TABLE", TABLE)
    monkeypatch.setenv("COVALENT_BUCKET", BUCKET)
    lambda_handler.store.cache_clear()
    return dispatch


def test_the_handler_runs_an_electron(deployed: Dispatch) -> None:
    deployed.add(0, lambda: "ran")
    deployed.publish()
    lambda_handler.handler(event(0), Context())
    assert deployed.value(0) == "ran"
    assert lambda_handler.store() is lambda_handler.store()


def test_an_unknown_context_sets_no_limit(deployed: Dispatch) -> None:
    deployed.add(0, lambda: "ran")
    deployed.publish()
    lambda_handler.handler(event(0), None)
    assert deployed.value(0) == "ran"


def test_a_malformed_event_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot 'dance'"):
        lambda_handler.handler({"do": "dance", "dispatch_id": DISPATCH_ID}, None)


def test_an_electron_that_no_sheet_knows_is_named(deployed: Dispatch) -> None:
    deployed.add(0, lambda: None)
    deployed.publish()
    with pytest.raises(Exception, match="no electron 7"):
        lambda_handler.handler(event(7), None)
    with pytest.raises(LookupError, match="no sheets 9999"):
        lambda_handler.handler(event(9999 * 256), None)


def test_step_functions_sees_these_names() -> None:
    from covalent_runner.gates import UPSTREAM_FAILED

    assert errors.ElectronFailed.__name__ == "ElectronFailed"
    assert errors.UpstreamFailed.__name__ == UPSTREAM_FAILED
