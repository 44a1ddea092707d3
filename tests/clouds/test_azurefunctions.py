"""The function app, as it is deployed, behind the HTTP API of Durable Functions."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import durable_host, functions
from tests.clouds.internet import Answer, Request, internet
from tests.clouds.jobs import CAPABILITY, Deployment

from covalent_executors.adapter import Busy, Handle, Refused, Sighting, State
from covalent_executors.azurefunctions.adapter import STATES, AzureFunctions, adapter, sighting
from covalent_executors.azurefunctions.spec import AzureFunctionsSpec

HOST = "my-app.azurewebsites.net"
PATIENCE = 30.0
"""Seconds; only a failing run waits so long."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with functions.azure_host(tmp_path_factory.mktemp("app")) as found:
        yield found


@pytest.fixture
def online(port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with internet(certificate, {HOST: functions.forwarded(lambda: port)}, monkeypatch):
        yield


def _app(key: str = durable_host.KEY) -> AzureFunctions:
    settings = {"function_app_url": f"https://{HOST}/", "system_key": "/secrets/key"}
    return adapter(
        AzureFunctionsSpec.model_validate(settings), {"/secrets/key": f"{key}\n"}.__getitem__
    )


def until(look: Callable[[], Sighting], state: State) -> Sighting:
    """What is seen once a job is in a state."""
    give_up = time.monotonic() + PATIENCE
    while (seen := look()).state is not state:
        assert time.monotonic() < give_up, seen
        time.sleep(0.05)
    return seen


def _ended(app: AzureFunctions, handle: Handle) -> Sighting:
    return until(lambda: app.look(handle), State.ENDED)


@pytest.mark.usefixtures("online")
def test_a_job_from_its_submission_to_its_end(deployment: Deployment) -> None:
    app = _app()
    handle = app.submit(deployment.job("c-d-7-0", code="print('hello')"))
    assert _ended(app, handle) == Sighting(State.ENDED)
    assert app.logs(handle) == "hello\n"
    assert deployment.asked[0] == {
        "dispatch_id": "d",
        "node": 7,
        "attempt": 0,
        "capability": CAPABILITY,
    }
    app.clean(handle)
    app.clean(handle)
    assert app.logs(handle) == ""


@pytest.mark.usefixtures("online")
def test_a_job_that_is_submitted_again_runs_once(deployment: Deployment, tmp_path: Path) -> None:
    app = _app()
    job = deployment.job("c-d-8-0", code=f"open({str(tmp_path / 'ran')!r}, 'a').write('x')")
    handle = app.submit(job)
    assert app.submit(job)["instance"] == handle["instance"]
    _ended(app, handle)
    app.submit(job)
    _ended(app, handle)
    assert (tmp_path / "ran").read_text() == "x"


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("c-d-9-0", "import sys; sys.exit(7)", "exit code 7"),
        ("c-d-9-1", "import os; os.kill(os.getpid(), 9)", "out of memory: use a plan"),
        ("c-d-9-2", "import sys; sys.exit(5)", "could not hand in"),
    ],
)
@pytest.mark.usefixtures("online")
def test_how_a_program_ended(deployment: Deployment, name: str, code: str, told: str) -> None:
    app = _app()
    assert told in _ended(app, app.submit(deployment.job(name, code=code))).cause


@pytest.mark.usefixtures("online")
def test_a_job_that_is_refused_its_ticket(deployment: Deployment) -> None:
    app = _app()
    job = deployment.job("c-d-10-0")
    deployment.refuses = 403
    handle = app.submit(job)
    assert "not to be run any more" in _ended(app, handle).cause
    assert "it has ended" in app.logs(handle)


@pytest.mark.usefixtures("online")
def test_a_cancelled_job_leaves_nothing_running(deployment: Deployment, tmp_path: Path) -> None:
    app = _app()
    code = (
        "import os, pathlib, subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"pathlib.Path({str(tmp_path / 'part')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(tmp_path / 'part')!r}, {str(tmp_path / 'pids')!r})\n"
        "child.wait()\n"
    )
    handle = app.submit(deployment.job("c-d-11-0", code=code))
    until(lambda: app.look(handle), State.RUNNING)
    pids = awaited_text(tmp_path / "pids").split()
    deployment.refuses = 403  # as the deployment does once the electron is cancelled
    app.cancel(handle)
    assert app.look(handle) == Sighting(State.ENDED, "the try was ended by somebody")
    app.cancel(handle)
    awaited_end(pids)
    app.clean(handle)
    app.cancel(handle)


def awaited_text(path: Path) -> str:
    give_up = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return path.read_text()


def awaited_end(pids: list[str]) -> None:
    give_up = time.monotonic() + PATIENCE
    while any(_runs(each) for each in pids):
        assert time.monotonic() < give_up
        time.sleep(0.05)


def _runs(pid: str) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.usefixtures("online")
def test_a_time_limit(deployment: Deployment) -> None:
    app = _app()
    job = deployment.job("c-d-12-0", code="import time; time.sleep(600)", time_limit=0.5)
    assert "time limit" in _ended(app, app.submit(job)).cause


@pytest.mark.usefixtures("online")
def test_a_wrong_key(deployment: Deployment) -> None:
    with pytest.raises(Refused, match="durabletask_extension") as told:
        _app("mistyped").submit(deployment.job())
    assert "mistyped" not in f"{told.value!r} {_app('mistyped')!r}"


@pytest.mark.parametrize("start", [400, 404])
def test_an_app_without_our_functions(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, deployment: Deployment, start: int
) -> None:
    """With Durable Functions it answers 400, without them 404."""

    def site(request: Request) -> Answer:
        return Answer(start if request.method == "POST" else 404)

    with (
        internet(certificate, {HOST: site}, monkeypatch),
        pytest.raises(Refused, match="no orchestration 'covalent_electron': deploy ours"),
    ):
        _app().submit(deployment.job())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_app(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, deployment: Deployment, status: int
) -> None:
    with (
        internet(certificate, {HOST: lambda _: Answer(status)}, monkeypatch),
        pytest.raises(Busy, match=f"HTTP {status}"),
    ):
        _app().submit(deployment.job())


def test_an_app_that_is_not_there(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    with (
        internet(certificate, {}, monkeypatch),
        pytest.raises(Busy, match="check function_app_url"),
    ):
        _app().submit(deployment.job())


def test_a_try_that_is_not_seen_yet(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(request: Request) -> Answer:
        return Answer(404)

    with internet(certificate, {HOST: unknown}, monkeypatch):
        now = round(time.time())
        assert _app().look({"instance": "x", "since": now}).state is State.PENDING
        assert "purged it" in _app().look({"instance": "x", "since": now - 61}).cause


@pytest.mark.parametrize("status", STATES)
def test_every_state(status: str) -> None:
    assert sighting({"runtimeStatus": status, "output": None}).state is STATES[status]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            {"runtimeStatus": "Failed", "output": "Timeout value of 00:10:00 exceeded by function"},
            "raise that in host.json",
        ),
        ({"runtimeStatus": "Failed", "output": "boom"}, "the function app failed: boom"),
        ({"runtimeStatus": "Suspended"}, "resume it"),
        ({"runtimeStatus": "Pending"}, "waits for an instance"),
    ],
)
def test_a_cause(found: dict[str, Any], told: str) -> None:
    assert told in sighting(found).cause


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(Refused, match="Dreaming"):
        sighting({"runtimeStatus": "Dreaming"})
