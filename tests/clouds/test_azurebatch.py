"""Microsoft's client of Azure Batch against an account on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import azure
from tests.clouds.containers import removed
from tests.clouds.internet import Answer, Site, internet
from tests.clouds.jobs import CAPABILITY, Deployment

from covalent_executors.adapter import Busy, Refused, State
from covalent_executors.azurebatch import states
from covalent_executors.azurebatch.adapter import AzureBatch, adapter, client_of
from covalent_executors.azurebatch.spec import AzureBatchSpec

SETTINGS = {
    "tenant_id": azure.TENANT,
    "client_id": azure.CLIENT,
    "client_secret": "/secrets/azure",
    "batch_account_url": f"https://{azure.ACCOUNT}",
    "pool_id": "covalent-pool",
}


@dataclass
class Cloud:
    account: azure.Account
    login: azure.Login

    def adapter(self, secret: str = azure.SECRET, **settings: Any) -> AzureBatch:
        spec = AzureBatchSpec.model_validate(SETTINGS | settings)
        return adapter(spec, {"/secrets/azure": f"{secret}\n"}.__getitem__)


@pytest.fixture
def cloud(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    client_of.cache_clear()
    found = Cloud(azure.Account(azure.pool()), azure.Login())
    sites: dict[str, Site] = {
        azure.ACCOUNT: found.account,
        "login.microsoftonline.com": found.login,
    }
    with internet(certificate, sites, monkeypatch):
        yield found
    removed([task.container for task in found.account.tasks.values()])


def _ended(cloud: Cloud, name: str) -> None:
    cloud.account.run(name).wait()


def test_a_job_from_its_submission_to_its_end(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(
        deployment.job(code="import sys; print('hello'); print('oh', file=sys.stderr)")
    )
    assert handle == {"job": "covalent-covalent-pool", "task": "d-7-0"}
    assert cloud.login.scopes == ["https://batch.core.windows.net//.default"]
    seen = batch.look(handle)
    assert (seen.state, seen.cause) == (State.PENDING, "waits for a node of pool 'covalent-pool'")
    _ended(cloud, "d-7-0")
    assert batch.look(handle) == type(seen)(State.ENDED)
    assert batch.logs(handle) == "hello\n\noh\n"
    assert deployment.asked == [
        {"dispatch_id": "d", "node": 7, "attempt": 0, "capability": CAPABILITY}
    ]
    batch.clean(handle)
    batch.clean(handle)
    assert cloud.account.tasks == {}
    assert "deleted" in batch.look(handle).cause


def test_a_job_that_is_submitted_again_is_the_same_one(
    cloud: Cloud, deployment: Deployment
) -> None:
    batch, job = cloud.adapter(), deployment.job()
    assert batch.submit(job) == batch.submit(job)
    assert len(cloud.account.tasks) == 1
    assert len(cloud.account.jobs) == 1


def test_one_login_is_enough(cloud: Cloud, deployment: Deployment) -> None:
    handle = cloud.adapter().submit(deployment.job())
    for _ in range(3):
        cloud.adapter().look(handle)
    assert len(cloud.login.scopes) == 1


def test_nothing_of_the_ticket_is_in_the_task(cloud: Cloud, deployment: Deployment) -> None:
    cloud.adapter().submit(deployment.job())
    (variable,) = cloud.account.tasks["d-7-0"].document["environmentSettings"]
    assert "secret inputs" not in variable["value"]
    assert azure.SECRET not in str(cloud.account.tasks["d-7-0"].document)


@pytest.mark.parametrize(
    ("image", "asked", "used"),
    [("python:3.11", "", "python:3.11"), ("", "mine:1", "mine:1"), (None, "", None)],
)
def test_the_image(
    cloud: Cloud, deployment: Deployment, image: str | None, asked: str, used: str | None
) -> None:
    cloud.account.pool = azure.pool(image=image)
    cloud.adapter(container_image_uri=asked).submit(deployment.job())
    settings = cloud.account.tasks["d-7-0"].document.get("containerSettings", {})
    assert settings.get("imageName") == used


@pytest.mark.parametrize(
    ("image", "asked", "told"),
    [("", "", "set container_image_uri"), (None, "mine:1", "runs no containers")],
)
def test_an_image_that_cannot_be(
    cloud: Cloud, deployment: Deployment, image: str | None, asked: str, told: str
) -> None:
    cloud.account.pool = azure.pool(image=image)
    with pytest.raises(Refused, match=told):
        cloud.adapter(container_image_uri=asked).submit(deployment.job())


def test_the_time_limit_is_the_task_s(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job(time_limit=90))
    document = cloud.account.tasks["d-7-0"].document
    assert document["constraints"]["maxWallClockTime"] == "PT01M30S"
    document["executionInfo"] |= {
        "startTime": "2026-11-22T10:00:00Z",
        "endTime": "2026-11-22T10:01:30Z",
        "exitCode": 137,
        "failureInfo": {"category": "usererror", "code": "FailureExitCode", "message": ""},
    }
    document["state"] = "completed"
    assert batch.look(handle).cause == "the task was stopped at its time limit of 90 s"


def test_a_cancelled_job_leaves_nothing_running(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job(code="import time; time.sleep(600)"))
    container = cloud.account.run("d-7-0")
    assert batch.look(handle).state is State.RUNNING
    batch.cancel(handle)
    assert container.code is not None
    seen = batch.look(handle)
    assert seen.state is State.ENDED
    assert "ended by somebody" in seen.cause
    batch.cancel(handle)
    batch.clean(handle)
    batch.cancel(handle)
    assert batch.logs(handle) == ""


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; sys.exit(7)", "exit code 7"),
        ("import os; os.kill(os.getpid(), 9)", "out of memory: use a pool with a larger VM size"),
        ("import sys; sys.exit(5)", "could not hand in the result"),
    ],
)
def test_how_a_program_ended(cloud: Cloud, deployment: Deployment, code: str, told: str) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job(code=code))
    _ended(cloud, "d-7-0")
    seen = batch.look(handle)
    assert seen.state is State.ENDED
    assert told in seen.cause


def test_a_job_whose_electron_has_ended_does_not_run(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    deployment.refuses = 409
    _ended(cloud, "d-7-0")
    assert "was not to be run any more" in batch.look(handle).cause
    assert "it has ended" in batch.logs(handle)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (("CommandProgramNotFound", ""), "there is no python3"),
        (("DiskFull", ""), "disk is full"),
        (("MaxInternalRetryCountReached", ""), "nodes were lost"),
        (("TaskSchedulingConstraintFailed", ""), "no node of the pool"),
        (("SomethingNew", "words of Azure"), "SomethingNew: words of Azure"),
    ],
)
def test_a_task_that_did_not_run(
    cloud: Cloud, deployment: Deployment, failure: tuple[str, str], told: str
) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    document = cloud.account.tasks["d-7-0"].document
    code, message = failure
    document["state"] = "completed"
    document["executionInfo"]["failureInfo"] = {
        "category": "usererror",
        "code": code,
        "message": message,
    }
    assert told in batch.look(handle).cause


def test_a_container_that_cannot_be_run(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    document = cloud.account.tasks["d-7-0"].document
    document["state"] = "completed"
    document["executionInfo"] |= {
        "containerInfo": {"error": "pull access denied for mine, repository does not exist"},
        "failureInfo": {"category": "usererror", "code": "ContainerInvalidImage", "message": "x"},
    }
    assert "pull access denied for mine" in batch.look(handle).cause


@pytest.mark.parametrize(
    ("pool", "told"),
    [
        (
            {"resizeErrors": [{"code": "AccountCoreQuotaReached", "message": "x"}]},
            "quota of dedicated cores",
        ),
        ({"resizeErrors": [{"code": "New", "message": "of Azure"}]}, "New: of Azure"),
        ({"targetDedicatedNodes": 0}, "scale it up"),
        ({"targetDedicatedNodes": 0, "enableAutoScale": True}, "waits for a node of pool"),
    ],
)
def test_what_a_task_waits_for(
    cloud: Cloud, deployment: Deployment, pool: dict[str, Any], told: str
) -> None:
    cloud.account.pool = azure.pool(**pool)
    batch = cloud.adapter()
    seen = batch.look(batch.submit(deployment.job()))
    assert seen.state is State.PENDING
    assert told in seen.cause


def test_a_task_whose_node_was_preempted(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    cloud.account.tasks["d-7-0"].document["previousState"] = "running"
    assert batch.look(handle).cause.startswith("its node was preempted or lost; waits for")


def test_a_task_whose_pool_is_gone(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    cloud.account.pool = azure.pool("another")
    seen = batch.look(handle)
    assert seen.state is State.PENDING
    assert "there is no pool 'covalent-pool'" in seen.cause


def test_every_state_of_microsoft_s_model_is_known() -> None:
    from azure.batch.models import BatchTaskState

    assert set(states.STATES) == {each.value for each in BatchTaskState}


def test_an_unknown_state_is_refused(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    cloud.account.tasks["d-7-0"].document["state"] = "dreaming"
    with pytest.raises(Refused, match="dreaming"):
        batch.look(handle)


def test_a_pool_that_is_not_there(cloud: Cloud, deployment: Deployment) -> None:
    with pytest.raises(Refused, match=r"no pool 'other' in https://covalent\.eastus.*pool_id"):
        cloud.adapter(pool_id="other").submit(deployment.job())


def test_a_wrong_secret(cloud: Cloud, deployment: Deployment) -> None:
    with pytest.raises(Refused, match="client 'client-id' in tenant 'tenant-id'") as told:
        cloud.adapter(secret="mistyped").submit(deployment.job())
    assert "mistyped" not in str(told.value)


def test_a_machine_that_is_not_logged_in(cloud: Cloud, deployment: Deployment) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    class Client:
        def get_pool(self, _: str) -> None:
            raise ClientAuthenticationError("no credential was found\nmore of it")

    settings = SETTINGS | dict.fromkeys(("tenant_id", "client_id", "client_secret"))
    batch = AzureBatch(AzureBatchSpec.model_validate(settings), Client())
    with pytest.raises(Refused, match=r"run `az login`.*no credential was found$"):
        batch.submit(deployment.job())


def test_no_time_limit(cloud: Cloud, deployment: Deployment) -> None:
    cloud.adapter().submit(deployment.job(time_limit=-1))
    assert "maxWallClockTime" not in cloud.account.tasks["d-7-0"].document["constraints"]


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (azure.refused(403, "AuthorizationFailure"), Refused, "Azure Batch Data Contributor"),
        (azure.refused(409, "ActiveJobAndScheduleQuotaReached"), Busy, "quota of active jobs"),
        (azure.refused(400, "InvalidPropertyValue", "one of them"), Refused, "InvalidProperty"),
    ],
)
def test_what_azure_refuses(
    cloud: Cloud, deployment: Deployment, answer: Answer, kind: type[Exception], told: str
) -> None:
    batch = cloud.adapter()
    cloud.account.fails = [answer]
    with pytest.raises(kind, match=told) as found:
        batch.submit(deployment.job())
    assert "RequestId" not in str(found.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_azure(cloud: Cloud, deployment: Deployment, status: int) -> None:
    batch = cloud.adapter()
    cloud.account.fails = [azure.refused(status, "ServerBusy")] * 2
    with pytest.raises(Busy, match="ServerBusy"):
        batch.submit(deployment.job())
    assert len(cloud.account.asked) == 2


def test_a_passing_trouble_is_not_seen(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    cloud.account.fails = [azure.refused(503, "ServerBusy")]
    batch.submit(deployment.job())


@pytest.mark.parametrize(
    ("code", "kind"),
    [("JobBeingDeleted", Busy), ("JobCompleted", Refused), ("JobDisabled", Refused)],
)
def test_a_job_of_the_pool_that_somebody_ended(
    cloud: Cloud, deployment: Deployment, code: str, kind: type[Exception]
) -> None:
    batch = cloud.adapter()
    batch.submit(deployment.job())
    original = cloud.account._add
    cloud.account._add = lambda *_: azure.refused(409, code)  # type: ignore[method-assign]  # as somebody did
    with pytest.raises(kind, match="covalent-covalent-pool"):
        batch.submit(deployment.job("d-8-0"))
    cloud.account._add = original  # type: ignore[method-assign]  # as it was


def test_an_account_that_is_not_there(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    found = Cloud(azure.Account(), azure.Login())
    with (
        internet(certificate, {"login.microsoftonline.com": found.login}, monkeypatch),
        pytest.raises(Busy, match=r"covalent\.eastus.*check batch_account_url"),
    ):
        found.adapter().submit(deployment.job())


def test_a_long_pool_name_makes_a_job_of_its_own(cloud: Cloud, deployment: Deployment) -> None:
    name = "p" * 64
    cloud.account.pool = azure.pool(name)
    handle = cloud.adapter(pool_id=name).submit(deployment.job("n" * 60))
    assert len(handle["job"]) <= 64
