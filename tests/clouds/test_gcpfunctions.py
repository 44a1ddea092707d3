"""The function, as it is deployed, on Google's functions-framework; called by Cloud Tasks with Google's clients."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import functions, google, google_tasks
from tests.clouds.internet import Answer, internet
from tests.clouds.jobs import CAPABILITY, Deployment
from tests.clouds.test_azurefunctions import awaited_end, awaited_text, until

from covalent_executors.adapter import Busy, Handle, Refused, Sighting, State
from covalent_executors.gcpfunctions.adapter import GCPFunctions, adapter
from covalent_executors.gcpfunctions.spec import GCPFunctionsSpec

SETTINGS = {
    "project_id": google.PROJECT,
    "service_account_email": google_tasks.CALLER,
    "credentials": "/secrets/google.json",
}
GONE = "the function ended without a result, or somebody deleted its task"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("function")


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    with functions.google_function(folder) as found:
        yield found


@pytest.fixture
def cloud(
    port: int, folder: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[google_tasks.Cloud]:
    found = google_tasks.Cloud(lambda: port, log=google_tasks.log_of(folder))
    with internet(certificate, google_tasks.sites(found), monkeypatch):
        yield found


def _adapter(**settings: Any) -> GCPFunctions:
    spec = GCPFunctionsSpec.model_validate(SETTINGS | settings)
    return adapter(spec, {"/secrets/google.json": google.key()}.__getitem__)


def _ended(place: GCPFunctions, handle: Handle) -> Sighting:
    return until(lambda: place.look(handle), State.ENDED)


def test_a_job_from_its_submission_to_its_end(
    cloud: google_tasks.Cloud, deployment: Deployment
) -> None:
    place = _adapter()
    handle = place.submit(deployment.job("c-d-7-0", code="print('hello')"))
    assert handle == {
        "task": f"{google_tasks.PARENT}/queues/covalent/tasks/c-d-7-0",
        "job": "c-d-7-0",
    }
    assert _ended(place, handle) == Sighting(State.ENDED, GONE)
    assert place.logs(handle) == "hello\n"
    assert deployment.asked[0]["capability"] == CAPABILITY
    assert cloud.done == ["c-d-7-0"]
    place.clean(handle)


def test_nothing_of_the_ticket_is_in_the_task(
    cloud: google_tasks.Cloud, deployment: Deployment
) -> None:
    cloud.is_paused = True
    _adapter().submit(deployment.job("c-d-8-0"))
    assert b"secret inputs" not in cloud.tasks["c-d-8-0"].http_request.body


def test_a_job_that_is_submitted_again_is_the_same_one(
    cloud: google_tasks.Cloud, deployment: Deployment
) -> None:
    place, job = _adapter(), deployment.job("c-d-9-0")
    handle = place.submit(job)
    assert place.submit(job) == handle
    _ended(place, handle)
    assert place.submit(job) == handle
    assert cloud.done == ["c-d-9-0"]


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("c-d-10-0", "import sys; sys.exit(7)", "exit code 7"),
        ("c-d-10-1", "import os; os.kill(os.getpid(), 9)", "out of memory: deploy the function"),
        ("c-d-10-2", "import sys; sys.exit(5)", "could not hand in"),
    ],
)
def test_how_a_program_ended(
    cloud: google_tasks.Cloud, deployment: Deployment, name: str, code: str, told: str
) -> None:
    place = _adapter()
    handle = place.submit(deployment.job(name, code=code))
    assert told in _ended(place, handle).cause
    place.clean(handle)
    place.clean(handle)
    assert cloud.tasks == {}


def test_a_try_does_not_run_twice(
    cloud: google_tasks.Cloud, deployment: Deployment, tmp_path: Path
) -> None:
    place = _adapter()
    code = f"open({str(tmp_path / 'ran')!r}, 'a').write('x'); import sys; sys.exit(1)"
    handle = place.submit(deployment.job("c-d-11-0", code=code))
    _ended(place, handle)
    cloud.call("c-d-11-0", before=500).join()
    assert "exit code 1" in place.look(handle).cause
    assert (tmp_path / "ran").read_text() == "x"


def test_a_try_that_found_no_instance_runs_later(
    cloud: google_tasks.Cloud, deployment: Deployment
) -> None:
    cloud.is_paused = True
    place = _adapter()
    handle = place.submit(deployment.job("c-d-12-0"))
    assert place.look(handle) == Sighting(State.PENDING, "waits in the queue")
    cloud.tasks["c-d-12-0"].dispatch_count = 1
    cloud.answered("c-d-12-0", 429)
    seen = place.look(handle)
    assert seen.state is State.PENDING
    assert "--max-instances" in seen.cause
    cloud.call("c-d-12-0", before=429).join()
    assert cloud.done == ["c-d-12-0"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (401, "roles/run.invoker"),
        (403, "roles/run.invoker"),
        (404, "no such function any more"),
        (500, "the function failed"),
        (503, "out of memory"),
        (504, "did not answer within the time"),
    ],
)
def test_an_answer_of_another_kind(
    cloud: google_tasks.Cloud, deployment: Deployment, code: int, told: str
) -> None:
    cloud.is_paused = True
    place = _adapter()
    handle = place.submit(deployment.job(f"c-d-13-{code}"))
    cloud.tasks[f"c-d-13-{code}"].dispatch_count = 1
    cloud.answered(f"c-d-13-{code}", code)
    seen = place.look(handle)
    assert seen.state is State.ENDED
    assert told in seen.cause


def test_a_cancelled_job_leaves_nothing_running(
    cloud: google_tasks.Cloud, deployment: Deployment, tmp_path: Path
) -> None:
    place = _adapter()
    code = (
        "import os, pathlib, subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"pathlib.Path({str(tmp_path / 'part')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(tmp_path / 'part')!r}, {str(tmp_path / 'pids')!r})\n"
        "child.wait()\n"
    )
    handle = place.submit(deployment.job("c-d-14-0", code=code))
    pids = awaited_text(tmp_path / "pids").split()
    assert place.look(handle) == Sighting(State.RUNNING)
    deployment.refuses = 403  # as the deployment does once the electron is cancelled
    place.cancel(handle)
    assert place.look(handle).state is State.ENDED
    place.cancel(handle)
    awaited_end(pids)


@pytest.mark.parametrize(("limit", "wait"), [(-1, 1800), (0, 1800), (90, 150), (1790, 1800)])
def test_how_long_cloud_tasks_waits(
    cloud: google_tasks.Cloud, deployment: Deployment, limit: float, wait: float
) -> None:
    cloud.is_paused = True
    _adapter().submit(deployment.job("c-d-15-0", time_limit=limit))
    assert cloud.tasks["c-d-15-0"].dispatch_deadline.total_seconds() == wait


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"function_name": "other"}, "no function 'other'.*deploy ours"),
        ({"queue_name": "other"}, "gcloud tasks queues create other --location=us-east1"),
        ({"region": "us-west9"}, "no function 'covalent-electron' in .*us-west9"),
    ],
)
@pytest.mark.usefixtures("cloud")
def test_something_that_is_not_there(
    deployment: Deployment, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(Refused, match=told):
        _adapter(**settings).submit(deployment.job())


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (google_tasks.function("FAILED", message="Build failed"), "is FAILED.*Build failed"),
        (google_tasks.function(seconds=60), "may run for 60 s, and time_limit is 90"),
    ],
)
def test_a_function_that_will_not_do(
    cloud: google_tasks.Cloud, deployment: Deployment, function: Any, told: str
) -> None:
    cloud.function = function
    with pytest.raises(Refused, match=told):
        _adapter().submit(deployment.job(time_limit=90))


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (google.refused(403, "PERMISSION_DENIED"), Refused, r"roles/cloudtasks\.enqueuer"),
        (google.refused(429, "RESOURCE_EXHAUSTED"), Busy, "told by Google"),
        (google.refused(503, "UNAVAILABLE"), Busy, "told by Google"),
    ],
)
def test_what_google_refuses(
    cloud: google_tasks.Cloud,
    deployment: Deployment,
    answer: Answer,
    kind: type[Exception],
    told: str,
) -> None:
    cloud.fails = [answer]
    with pytest.raises(kind, match=told):
        _adapter().submit(deployment.job())
