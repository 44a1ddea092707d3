"""What waits for a hybrid job hears of its end, if the job's runner has not told."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.control_plane.conftest import Dispatched, table

from covalent_contracts import records
from covalent_control_plane import application, hybrid_jobs
from covalent_control_plane.aws import Aws

ARN = "arn:aws:braket:us-east-1:123456789012:job/0a"


class Account:
    """Braket with one job, and Step Functions with what waits for it."""

    def __init__(self, job: dict[str, Any], token_error: str = "") -> None:
        self.job = job
        self.asked: list[str] = []
        self.refused: list[dict[str, str]] = []
        self._token_error = token_error

    def get_job(self, jobArn: str) -> dict[str, Any]:  # noqa: N803  # as botocore has it
        self.asked.append(jobArn)
        return self.job

    def send_task_failure(self, **request: str) -> None:
        if self._token_error:
            raise ClientError({"Error": {"Code": self._token_error}}, "SendTaskFailure")
        self.refused.append(request)


def event(status: str, **detail: Any) -> dict[str, Any]:
    return {
        "source": "aws.braket",
        "detail-type": "Braket Job State Change",
        "resources": [ARN],
        "detail": {"jobArn": ARN, "status": status, **detail},
    }


@pytest.fixture
def ended(aws: Aws, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch) -> Any:
    """End the job of electron 1 of a dispatch; gives the account then."""

    def end(
        status: str, reason: str = "", error: str = "", record: str = "", **job: Any
    ) -> Account:
        dispatch_id = dispatched()
        if record:
            key = {"pk": records.dispatch_pk(dispatch_id), "sk": records.node_sk(1)}
            table().put_item(Item=key | {"status": record, "started": 5})
        words = {"COVALENT_ELECTRON": f"{dispatch_id} 1 0 the-token"}
        told = {"failureReason": reason} if reason else {}
        shown = {"jobArn": ARN, "status": status, "hyperParameters": words, **told, **job}
        account = Account(shown, error)
        patched = type("Patched", (), {"hybrid_jobs": account, "states": account})()
        monkeypatch.setattr(application, "aws", lambda: patched)
        account.answer = application.answer(event(status), None)  # type: ignore[attr-defined]  # for the test to see
        return account

    return end


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        ("FAILED", "AlgorithmError: exit code 137", "choose a larger classical_device"),
        ("FAILED", "AlgorithmError: exit code 1", "before the electron had started or answered"),
        ("FAILED", "", "Braket tells no reason"),
        ("FAILED", "MaxRuntimeExceeded", "time_limit of BraketExecutor"),
        ("CANCELLED", "", "not by Covalent"),
        ("COMPLETED", "", "before the electron had started or answered"),
    ],
)
def test_what_a_job_ended_of(ended: Any, status: str, reason: str, told: str) -> None:
    account = ended(status, reason)
    assert account.answer == {"answered": True}
    (request,) = account.refused
    assert request["taskToken"] == "the-token"
    assert request["error"] == "ElectronLost"
    assert ARN in request["cause"]
    assert told in request["cause"]


def test_a_cancelled_electron_is_no_failure(ended: Any) -> None:
    (request,) = ended("CANCELLED", record="CANCELLED").refused
    assert request["error"] == "UpstreamFailed"


@pytest.mark.parametrize("error", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_the_runner_has_answered(ended: Any, error: str) -> None:
    account = ended("COMPLETED", error=error)
    assert account.answer == {"answered": False}


def test_another_error_of_step_functions_is_told(ended: Any) -> None:
    """Lambda tries again."""
    with pytest.raises(ClientError):
        ended("FAILED", error="ThrottlingException")


@pytest.mark.parametrize("words", ["", "a b c d", "6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11 1 0"])
def test_jobs_of_others_are_left_alone(ended: Any, words: str) -> None:
    account = ended("FAILED", hyperParameters={"COVALENT_ELECTRON": words})
    assert account.refused == []


def test_a_job_that_runs_is_not_looked_at() -> None:
    account = Account({})
    aws: Any = type("Patched", (), {"hybrid_jobs": account, "states": account})()
    assert not hybrid_jobs.answer(aws, event("RUNNING"))
    assert account.asked == []


def test_the_rule_is_of_ends_only() -> None:
    assert hybrid_jobs.PATTERN["detail"] == {"status": ["COMPLETED", "FAILED", "CANCELLED"]}
