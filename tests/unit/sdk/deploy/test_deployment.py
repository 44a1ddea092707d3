"""Deployments with the real Terraform, in an account that is none."""

import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.sdk.deploy.stand_ins import (
    ACCOUNT,
    ENDPOINT,
    MODULE,
    REGION,
    StandIn,
    build,
    healthy,
)

from covalent._deploy import outputs, sources
from covalent._deploy.deployment import Deployment
from covalent._deploy.errors import (
    DeployError,
    InvalidSetting,
    NameTaken,
    Protected,
    StateLocked,
    StillRunning,
)
from covalent._deploy.events import Done, Event, Finished, Note, Planned, Step
from covalent._deploy.removal import Removal
from covalent._deploy.settings import Wanted

pytestmark = pytest.mark.terraform
HEX = "0" * 40


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "infra"
    folder.mkdir()
    (folder / "main.tf").write_text(MODULE)
    monkeypatch.setattr(sources, "terraform", lambda: folder)
    return folder


def lab(account: StandIn | None = None, **wanted: Any) -> Deployment:
    pythons = wanted.pop("pythons", ("3.11",))
    asked = Wanted(prefix="lab", pythons=pythons, **wanted)
    return Deployment(asked, account or StandIn.new(), build=build, check=healthy)


class Confirm:
    """Says yes, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Planned] = []

    def __call__(self, planned: Planned) -> bool:
        self.asked.append(planned)
        return True


def last(events: Iterable[Event]) -> Any:
    *_, event = events
    return event


def of_type(kind: type[Any], events: Iterable[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_up_status_and_down() -> None:
    events = list(lab().up())
    steps = [step.text for step in of_type(Step, events)]
    assert steps[0] == f"arn:aws:iam::{ACCOUNT}:user/alice in account {ACCOUNT}, {REGION}"
    assert "Applying" in steps
    assert Note("control-plane-x86_64.zip built") in events
    (planned,) = of_type(Planned, events)
    assert planned.count("create") == len(of_type(Finished, events)) == 3
    done = events[-1]
    assert isinstance(done, Done)
    assert done.text == "Covalent 0.1.0 is deployed; its profile is lab."
    assert outputs.profile("lab") == {
        "address": ENDPOINT, "region": REGION, "prefix": "lab", "version": "0.1.0",
    }  # fmt: skip

    status = lab().status()
    assert len(status.resources) == 3
    assert status.outputs is not None
    assert status.outputs.runners == {"3.11": "lab-runner-3.11"}
    assert status.health is not None
    assert status.complaint == ""
    assert status.applied is not None

    folder = lab().workspace.folder
    assert last(lab().down()) == Done("Everything is removed.")
    assert outputs.profile("lab") == {}
    assert not folder.exists()


def test_the_second_up_changes_nothing() -> None:
    list(lab().up())
    confirm = Confirm()
    events = list(lab().up(confirm))
    assert confirm.asked == []
    assert "Applying" not in [step.text for step in of_type(Step, events)]
    assert events[-1].values["endpoint"]  # type: ignore[union-attr]  # it is Done


def test_what_is_not_given_is_as_the_last_time() -> None:
    list(lab(pythons=("3.12", "3.13"), name="ours", architecture="arm64").up())
    assert last(lab(pythons=()).plan()).is_empty
    assert lab(pythons=()).settings.name == "ours"
    plan = last(lab(pythons=("3.11", "3.12")).plan())
    assert (plan.count("create"), plan.count("delete")) == (1, 1)
    assert lab(pythons=()).settings.pythons == ("3.12", "3.13")  # a plan changes nothing


def test_who_says_no_gets_nothing() -> None:
    assert last(lab().up(lambda _: False)) == Done("Nothing was changed.")
    assert outputs.profile("lab") == {}
    with pytest.raises(DeployError, match="No deployment lab"):
        lab().status()


def test_half_a_deployment_goes_on(tmp_path: Path) -> None:
    needing = lab(variables={"needs": str(tmp_path / "cure")})
    with pytest.raises(DeployError, match="local-exec provisioner error") as error:
        list(needing.up())
    assert "`covalent deploy up` goes on" in str(error.value)
    assert outputs.profile("lab") == {}
    status = lab(pythons=()).status()
    assert status.outputs is None or status.health is not None
    assert 2 <= len(status.resources) <= 3  # the failed one is there, tainted

    (tmp_path / "cure").touch()
    events = list(lab(pythons=()).up())  # needs no options again
    assert {event.address for event in of_type(Finished, events)} == {
        "module.covalent.terraform_data.api"
    }
    assert outputs.profile("lab")


def test_half_a_deployment_can_be_removed(tmp_path: Path) -> None:
    with pytest.raises(DeployError):
        list(lab(variables={"needs": str(tmp_path / "nothing")}).up())
    assert last(lab(pythons=()).down()) == Done("Everything is removed.")
    assert not lab().workspace.folder.exists()


def test_names_that_are_taken() -> None:
    account = StandIn.new(tables={"lab"}, buckets={f"lab-{ACCOUNT}-{REGION}"})
    with pytest.raises(NameTaken, match=r"a bucket lab-123.* and a table lab") as error:
        list(lab(account).up())
    assert "--prefix" in error.value.cure
    assert not lab().workspace.is_there


def test_ones_own_names_are_not_taken() -> None:
    list(lab().up())
    list(lab(StandIn.new(tables={"lab"}, buckets={f"lab-{ACCOUNT}-{REGION}"})).up())


def test_a_profile_of_that_name_is_kept() -> None:
    other = outputs.Outputs(ENDPOINT, "us-east-1", "b", "t", {}, "lab", "0.1.0")
    outputs.write_profile("lab", other)
    with pytest.raises(NameTaken, match="The profile lab"):
        list(lab().up())
    list(lab(name="mine").up())
    assert outputs.profile("lab")["region"] == "us-east-1"
    assert outputs.profile("mine")["region"] == REGION


def test_down_refuses_while_dispatches_run() -> None:
    machine = f"lab-{HEX}"
    list(lab().up())
    account = StandIn.new(machines=[machine], running=[f"id-{n}" for n in range(9)])
    with pytest.raises(StillRunning, match=r"id-0, id-1, id-2, id-3, id-4, \.\.\."):
        list(lab(account).down())
    assert lab().status().resources
    list(lab(account).down(Removal(force=True)))
    assert account.memory.machines == []
    assert not lab().workspace.folder.exists()


def test_down_keeps_data_until_told() -> None:
    list(lab().up())
    account = StandIn.new(objects=3)
    with pytest.raises(Protected, match=f"The bucket lab-{ACCOUNT}-{REGION}") as error:
        list(lab(account).down())
    assert "--delete-data" in error.value.cure
    refusal = Removal(delete_data=True, confirm_data=lambda: False)
    assert last(lab(account).down(refusal)) == Done("Nothing was removed.")
    assert account.memory.objects == 3
    events = list(lab(account).down(Removal(delete_data=True)))
    assert Note("3 objects deleted") in events
    assert account.memory.done == ["unprotected lab"]


def test_down_without_protection_asks_once() -> None:
    list(lab(variables={"protect": False}).up())
    account = StandIn.new(objects=3)
    confirm = Confirm()
    list(lab(account).down(Removal(confirm)))
    assert [planned.count("delete") for planned in confirm.asked] == [3]
    assert account.memory.objects == 0


def test_down_can_be_declined() -> None:
    list(lab().up())
    assert last(lab().down(Removal(confirm=lambda _: False))) == Done("Nothing was removed.")
    assert outputs.profile("lab")
    assert len(lab().status().resources) == 3


def test_without_a_deployment() -> None:
    for action in (lab().down, lab().drift):
        with pytest.raises(DeployError, match=f"No deployment lab in account {ACCOUNT}"):
            list(action())


def test_drift() -> None:
    list(lab().up())
    assert last(lab().drift()).is_empty


def test_a_state_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSetting, match="no bucket nowhere") as error:
        list(lab(state="s3://nowhere/key").up())
    assert "aws s3 mb s3://nowhere" in error.value.cure
    list(lab().up())
    with pytest.raises(InvalidSetting, match="the state of this deployment is at"):
        list(lab(state="s3://bucket/key").up())


def test_the_backend_in_s3_is_locked_and_encrypted() -> None:
    deployment = lab(StandIn.new(buckets={"states"}), state="s3://states/lab.tfstate")
    backend = deployment._preparation._backend()
    assert backend == {
        "s3": {
            "bucket": "states", "key": "lab.tfstate", "region": REGION, "use_lockfile": True, "encrypt": True,
        }
    }  # fmt: skip


def test_two_at_once() -> None:
    first = lab().up()
    next(first)
    with pytest.raises(StateLocked):
        list(lab().up())
    list(first)
    assert len(lab().status().resources) == 3


def test_a_deployment_whose_zips_are_gone_can_be_removed() -> None:
    list(lab().up())
    for path in lab().workspace.artifacts.iterdir():
        path.unlink()
    lab().workspace.artifacts.rmdir()
    assert last(lab().down()) == Done("Everything is removed.")


def test_a_failing_build_is_raised() -> None:
    def broken(_folder: Path, _settings: Any, tell: Any) -> None:
        tell("beginning")
        raise DeployError("uv is missing")

    events = Deployment(Wanted("lab", pythons=("3.11",)), StandIn.new(), build=broken).up()
    seen: list[Event] = []
    with pytest.raises(DeployError, match="uv is missing"):
        seen.extend(events)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from covalent._deploy import sources
from tests.unit.sdk.deploy.test_deployment import lab
sources.terraform = lambda: Path(sys.argv[2])
from covalent._deploy.errors import Interrupted
try:
    for event in lab().up():
        print(event, flush=True)
except Interrupted as exc:
    print("interrupted:", exc)
    sys.exit(9)
"""


def test_ctrl_c_and_up_again(module: Path, tmp_path: Path) -> None:
    slow = "while [ ! -e '${path.root}/go' ]; do sleep 0.05; done"
    waiting = MODULE.replace("test -z '${var.needs}' -o -e '${var.needs}'", slow)
    (module / "main.tf").write_text(waiting)
    root = Path(__file__).parents[4]
    script = [sys.executable, "-c", SCRIPT, str(root), str(module)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Started") and ".api" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 9, rest
    assert "`covalent deploy up` goes on where this stopped" in rest

    (lab().workspace.folder / "go").touch()
    assert isinstance(last(lab().up()), Done)
    assert len(lab().status().resources) == 3
