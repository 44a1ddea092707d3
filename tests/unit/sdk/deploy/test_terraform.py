"""Terraform itself, on modules of its built-in provider."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.unit.sdk.deploy.conftest import Write

from covalent._deploy.errors import DeployError, Interrupted, MissingProgram, StateLocked
from covalent._deploy.events import Event, Failed, Finished, Note, Planned, Started
from covalent._deploy.terraform import Terraform

pytestmark = pytest.mark.terraform

THREE = """
resource "terraform_data" "some" {
  count = 3
  input = count.index
}
output "endpoint" { value = "https://example" }
"""
WAITS = """
resource "terraform_data" "quick" {}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.quick]
  provisioner "local-exec" { command = "echo begun > begun; while [ ! -e go ]; do sleep 0.05; done" }
}
resource "terraform_data" "last" {
  depends_on = [terraform_data.slow]
}
"""


def made(terraform: Terraform) -> set[str]:
    return {address for address, _ in terraform.resources()}


def planned(events: Iterable[Event]) -> Planned:
    *_, last = events
    assert isinstance(last, Planned)
    return last


def applied(terraform: Terraform) -> list[Event]:
    list(terraform.init())
    list(terraform.plan())
    return list(terraform.apply())


def test_apply_tells_what_it_does_and_destroy_leaves_nothing(write: Write) -> None:
    terraform = write(THREE)
    list(terraform.init())
    plan = planned(terraform.plan())
    assert plan.count("create") == len(plan.changes) == 3
    assert {change.kind for change in plan.changes} == {"terraform_data"}

    events = list(terraform.apply())
    addresses = {f"terraform_data.some[{n}]" for n in range(3)}
    assert {e.address for e in events if isinstance(e, Started)} == addresses
    assert {e.address for e in events if isinstance(e, Finished)} == addresses
    assert made(terraform) == addresses
    assert terraform.outputs() == {"endpoint": "https://example"}
    assert planned(terraform.plan()).is_empty

    assert planned(terraform.plan(destroy=True)).count("delete") == 3
    list(terraform.apply())
    assert made(terraform) == set()
    assert terraform.outputs() == {}


def test_a_change_is_planned_as_one(write: Write) -> None:
    applied(write(THREE))
    terraform = write(THREE.replace("count.index", "count.index + 1").replace("= 3", "= 2"))
    plan = planned(terraform.plan())
    assert (plan.count("update"), plan.count("delete"), plan.count("create")) == (2, 1, 0)


FAILS = """
resource "terraform_data" "good" {}
resource "terraform_data" "bad" {
  depends_on = [terraform_data.good]
  provisioner "local-exec" { command = "test -e cure" }
}
"""


def test_what_failed_halfway_goes_on(write: Write) -> None:
    terraform = write(FAILS)
    list(terraform.init())
    list(terraform.plan())
    seen: list[Event] = []
    with pytest.raises(DeployError, match=r"terraform_data\.bad: local-exec provisioner error"):
        seen.extend(terraform.apply())
    assert "terraform_data.good" in made(terraform)

    (terraform.folder / "cure").touch()
    plan = planned(terraform.plan())
    assert [change.address for change in plan.changes] == ["terraform_data.bad"]
    list(terraform.apply())
    assert planned(terraform.plan()).is_empty


def test_a_failure_is_told_before_it_is_raised(write: Write) -> None:
    terraform = write(FAILS)
    list(terraform.init())
    list(terraform.plan())
    events = terraform.apply()
    for event in events:
        if isinstance(event, Failed):
            assert event.address == "terraform_data.bad"
            break
    else:
        pytest.fail("no failure was told")
    with pytest.raises(DeployError):
        list(events)


SCRIPT = """
import sys
from pathlib import Path
from covalent._deploy.errors import Interrupted
from covalent._deploy.terraform import Terraform

terraform = Terraform.find(Path(sys.argv[1]))
try:
    for event in terraform.apply():
        print(event, flush=True)
except Interrupted as exc:
    print("interrupted:", exc)
    sys.exit(9)
"""


def interrupted(terraform: Terraform, number: int) -> str:
    """Apply in another process, and send it a signal while the slow resource is being made."""
    script = [sys.executable, "-c", SCRIPT, str(terraform.folder)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Started" in line and "terraform_data.slow" in line:
                break
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 9, rest
    return rest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_cleanly_and_it_goes_on(write: Write, number: int) -> None:
    terraform = write(WAITS)
    list(terraform.init())
    list(terraform.plan())
    output = interrupted(terraform, number)
    assert "Stopping: Terraform finishes" in output
    assert "interrupted: Stopped." in output
    assert "terraform_data.quick" in made(terraform)
    assert "terraform_data.last" not in made(terraform)

    (terraform.folder / "go").touch()
    list(terraform.plan())  # nothing holds the lock
    list(terraform.apply())
    assert made(terraform) == {"terraform_data.quick", "terraform_data.slow", "terraform_data.last"}


def test_an_interrupt_from_inside(write: Write) -> None:
    """A user of the library gets the signal in its main thread, wherever that is at that moment."""
    terraform = write(WAITS)
    list(terraform.init())
    list(terraform.plan())
    notes = []

    def follow() -> None:
        for event in terraform.apply():
            if isinstance(event, Started) and event.address == "terraform_data.slow":
                os.kill(os.getpid(), signal.SIGINT)
            if isinstance(event, Note):
                notes.append(event.text)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted):
        follow()
    assert len(notes) == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_who_stops_listening_stops_it(write: Write) -> None:
    terraform = write(WAITS)
    list(terraform.init())
    list(terraform.plan())
    events = terraform.apply()
    for event in events:
        if isinstance(event, Started) and event.address == "terraform_data.slow":
            break
    events.close()  # type: ignore[attr-defined]  # it is a generator
    assert "terraform_data.last" not in made(terraform)
    list(terraform.plan())  # nothing holds the lock


def test_it_runs_in_another_thread(write: Write) -> None:
    terraform = write(THREE)
    thread = threading.Thread(target=applied, args=[terraform])
    thread.start()
    thread.join()
    assert len(made(terraform)) == 3


def test_a_lock_that_somebody_holds_is_named(write: Write) -> None:
    terraform = write(WAITS)
    list(terraform.init())
    list(terraform.plan())
    events = terraform.apply()
    for event in events:
        if isinstance(event, Started) and event.address == "terraform_data.slow":
            break
    with pytest.raises(StateLocked, match=r"is being changed by \S+@\S+ since .*UTC") as error:
        list(terraform.plan())
    assert "terraform force-unlock" in error.value.cure
    (terraform.folder / "go").touch()
    list(events)
    assert "terraform_data.last" in made(terraform)


def test_a_module_that_is_wrong_is_told(write: Write) -> None:
    with pytest.raises(DeployError) as error:
        list(write("resource terraform_data x y {}").init())
    assert str(error.value).startswith("Extraneous label for resource")
    assert "encountered problems" not in str(error.value)


def test_the_users_own_settings_of_terraform_do_not_matter(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_ARGS", "-nonsense")
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-destroy")
    monkeypatch.setenv("TF_WORKSPACE", "other")
    terraform = write(THREE)
    applied(terraform)
    assert len(made(terraform)) == 3


def test_the_environment_can_take_something_away(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    command = "echo $COLOUR-$AWS_ACCESS_KEY_ID > seen"
    found = write(
        f'resource "terraform_data" "x" {{\n provisioner "local-exec" {{ command = "{command}" }}\n}}'
    )
    terraform = Terraform(
        found.folder, found.program, {"COLOUR": "blue", "AWS_ACCESS_KEY_ID": None}
    )
    applied(terraform)
    assert (terraform.folder / "seen").read_text() == "blue-\n"


def test_without_terraform_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgram, match="not on the PATH") as error:
        Terraform.find(tmp_path)
    assert "developer.hashicorp.com/terraform/install" in str(error.value)


@pytest.mark.parametrize(
    ("says", "what"),
    [('{"terraform_version": "1.9.8"}', "1.9.8 is too old"), ("OpenOffice 4", "is not Terraform")],
)
def test_one_that_will_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, what: str
) -> None:
    program = tmp_path / "terraform"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(MissingProgram, match=what):
        Terraform.find(tmp_path)
