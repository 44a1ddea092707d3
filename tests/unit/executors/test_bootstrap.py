"""What a job does where it is given no files: it asks the deployment, which listens on loopback."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.clouds import jobs

from covalent_executors import bootstrap, launch
from covalent_executors.adapter import Job, Refused


@pytest.fixture
def deployment() -> Iterator[jobs.Deployment]:
    with jobs.deployment() as found:
        yield found


def _run(job: Job, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], **launch.environment(job)}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_fetches_the_program_and_a_fresh_ticket(deployment: jobs.Deployment) -> None:
    code = (
        "import json, pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[0]).parent\n"
        "print(json.loads((folder / 'ticket.json').read_text()))\n"
        "print(oct(folder.stat().st_mode & 0o777))\n"
    )
    done = _run(deployment.job(code=code), [*launch.arguments()])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "{'fresh': True}\n0o700\n"


def test_the_same_as_one_line_of_a_shell(deployment: jobs.Deployment) -> None:
    python, *arguments = shlex.split(launch.command())
    assert python == "python3"
    assert _run(deployment.job(), arguments).stdout == "done\n"
    assert not set("$`\\!\n") & set(launch.command())


def test_the_command_is_short() -> None:
    """Linux takes 128 KiB for one argument, Windows' shell 8191 letters for all."""
    assert len(launch.command()) < 6000


def test_the_command_tells_nothing(deployment: jobs.Deployment) -> None:
    job = deployment.job()
    (variable,) = launch.environment(job)
    assert variable == bootstrap.VARIABLE
    assert "secret inputs" not in json.dumps(launch.environment(job))


def test_the_program_does_not_see_the_capability(deployment: jobs.Deployment) -> None:
    code = f"import os; print({bootstrap.VARIABLE!r} in os.environ)"
    assert _run(deployment.job(code=code), [*launch.arguments()]).stdout == "False\n"


def test_nothing_is_left_behind(deployment: jobs.Deployment) -> None:
    code = "import pathlib, sys; print(pathlib.Path(sys.argv[0]).parent)"
    done = _run(deployment.job(code=code), [*launch.arguments()])
    assert not Path(done.stdout.strip()).exists()


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("import sys; sys.exit(5)", 5), ("import os; os.kill(os.getpid(), 9)", 137)],
)
def test_the_exit_code_is_the_program_s(
    deployment: jobs.Deployment, code: str, exit_code: int
) -> None:
    assert _run(deployment.job(code=code), [*launch.arguments()]).returncode == exit_code


def test_a_try_that_is_over(deployment: jobs.Deployment) -> None:
    deployment.refuses = 403
    done = _run(deployment.job(), [*launch.arguments()])
    assert done.returncode == bootstrap.REFUSED
    assert done.stdout == ""
    assert "answers 403" in done.stderr
    assert jobs.CAPABILITY not in done.stderr
    assert len(deployment.asked) == 1


def test_a_deployment_with_a_bad_moment(
    deployment: jobs.Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.refuses = 503
    errand = launch.errand(deployment.job())
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        deployment.refuses = 503 if len(pauses) < 3 else 0

    monkeypatch.setattr(time, "sleep", pause)
    assert bootstrap.fetch(dict(errand))["ticket"] == {"fresh": True}
    assert pauses == [1, 2, 4]


def test_a_deployment_that_cannot_be_reached(
    deployment: jobs.Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    errand = {**launch.errand(deployment.job()), "renewal": "http://127.0.0.1:9/api?x=secret"}
    code, told = bootstrap.ended(errand)
    assert code == bootstrap.UNREACHED
    assert "127.0.0.1:9 does not answer" in told
    assert "secret" not in told


def test_a_bridge_without_an_address(deployment: jobs.Deployment) -> None:
    job = deployment.job()
    ticket = json.loads(job.ticket) | {"renewal": ""}
    with pytest.raises(Refused, match="COVALENT_TICKETS"):
        launch.errand(Job(job.name, job.program, json.dumps(ticket).encode(), job.python))


def test_a_try_that_is_cancelled_is_ended_with_all_that_it_started(
    deployment: jobs.Deployment, tmp_path: Path
) -> None:
    code = (
        "import os, pathlib, subprocess\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        f"pathlib.Path({str(tmp_path / 'part')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(tmp_path / 'part')!r}, {str(tmp_path / 'pids')!r})\n"
        "child.wait()\n"
    )
    errand = dict(launch.errand(deployment.job(code=code)))
    original = bootstrap._check

    def check(asked: bootstrap.Errand) -> None:
        if (tmp_path / "pids").exists():
            deployment.refuses = 403
        original(asked)

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile() as output:
        patch.setattr(bootstrap, "_check", check)
        code_of, told = bootstrap.ended(errand, watch=0.05, output=output)
    assert (code_of, "answers 403" in told) == (bootstrap.REFUSED, True)
    for pid in (tmp_path / "pids").read_text().split():
        status = Path("/proc", pid, "status")
        assert not status.exists() or "State:\tZ" in status.read_text()


def test_that_nobody_answers_does_not_end_a_try(
    deployment: jobs.Deployment, tmp_path: Path
) -> None:
    code = f"import os, time\nwhile not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(.01)"
    errand = dict(launch.errand(deployment.job(code=code)))
    original = bootstrap._check

    def check(asked: bootstrap.Errand) -> None:
        deployment.refuses = 503
        original(asked)
        (tmp_path / "go").touch()

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile() as output:
        patch.setattr(bootstrap, "_check", check)
        assert bootstrap.ended(errand, watch=0.05, output=output) == (0, "")


def test_a_time_limit(deployment: jobs.Deployment) -> None:
    errand = dict(launch.errand(deployment.job(code="import time; time.sleep(600)")))
    with tempfile.TemporaryFile() as output:
        assert bootstrap.run(errand, limit=0.1, output=output) == bootstrap.OVER_TIME


def test_another_python_says_so(deployment: jobs.Deployment) -> None:
    job = replace(deployment.job(), python="3.8")
    done = _run(job, [*launch.arguments()])
    here = ".".join(map(str, sys.version_info[:2]))
    assert done.returncode == bootstrap.OTHER_PYTHON
    assert done.stderr == f"the workflow was dispatched from Python 3.8, and here is {here}\n"
    assert deployment.asked == []


def test_old_pythons_can_read_it() -> None:
    """A job whose image has the wrong Python says so: that is the program's to tell, so it must get that far."""
    import ast

    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 8))
