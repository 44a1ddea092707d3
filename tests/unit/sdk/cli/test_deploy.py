"""`covalent deploy`, on a deployment that is none."""

import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from covalent._cli import deploying
from covalent._cli.deploying import View
from covalent._cli.main import cli
from covalent._deploy import sources
from covalent._deploy.account import Account
from covalent._deploy.deployment import Deployment
from covalent._deploy.errors import DeployError, NoCredentials
from covalent._deploy.events import (
    Change,
    Diagnostic,
    Done,
    Event,
    Failed,
    Finished,
    Note,
    Planned,
    Started,
    Step,
    Working,
)
from covalent._deploy.outputs import Outputs
from covalent._deploy.removal import Removal
from covalent._deploy.settings import Settings
from covalent._deploy.status import Status
from covalent._deploy.workspace import Workspace
from covalent._version import __version__
from covalent_contracts.api import Health

BUCKET = "module.covalent.module.state.aws_s3_bucket.this"
PLANNED = Planned(
    (
        Change(BUCKET, "aws_s3_bucket", "create"),
        Change("module.covalent.module.functions.aws_iam_role.a", "aws_iam_role", "create"),
        Change("module.covalent.module.functions.aws_iam_role.b", "aws_iam_role", "create"),
        Change(
            "module.covalent.module.api.aws_lambda_function.api", "aws_lambda_function", "replace"
        ),
        Change(
            "module.covalent.module.api.aws_lambda_function.old", "aws_lambda_function", "delete"
        ),
    ),
    drift=(
        Change(
            "module.covalent.module.state.aws_dynamodb_table.this", "aws_dynamodb_table", "update"
        ),
    ),
)
MADE = Outputs(
    endpoint="https://abc.execute-api.eu-west-1.amazonaws.com",
    region="eu-west-1",
    bucket="b",
    table="t",
    runners={"3.12": "f", "3.11": "g"},
    prefix="covalent",
    version=__version__,
)


@pytest.fixture(autouse=True)
def own_folders(own_config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "160")
    return own_config


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The account is a stand-in; keeps what it was asked for, and the deployments that act."""
    found: list[Any] = []

    def find(region: str | None, profile: str | None) -> Account:
        found.append((region, profile))
        none: Any = None
        return Account("123456789012", region or "eu-west-1", "arn:alice", none)

    monkeypatch.setattr(Account, "find", find)
    return found


def run(*args: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["deploy", *args], input=answer)


def test_help_says_what_there_is() -> None:
    output = run("--help").output
    for command in ("up", "plan", "status", "down", "cost"):
        assert f"\n  {command} " in output
        assert run(command, "--help").exit_code == 0
    assert "..." not in output.partition("Commands:")[2]  # no help was cut
    assert "covalent-serverless[deploy]" in " ".join(output.split())


Up = Callable[[Deployment, Callable[[Planned], bool]], Iterator[Event]]


def upping(asked: list[Any]) -> Up:
    def up(self: Deployment, confirm: Callable[[Planned], bool]) -> Iterator[Event]:
        asked.append(self)
        yield Step("Comparing")
        yield PLANNED
        if not confirm(PLANNED):
            yield Done("Nothing was changed.")
            return
        yield Started(BUCKET, "create")
        yield Working(BUCKET, "create", 10)
        yield Finished(BUCKET, "create", 12)
        yield Done("Deployed.", vars(MADE))

    return up


@pytest.fixture
def up(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(Deployment, "up", upping(asked))
    return asked


def test_up_shows_the_plan_asks_and_says_what_is_next(up: list[Any]) -> None:
    result = run("up", "--region", "us-east-1", "--profile", "work", answer="y\n")
    assert result.exit_code == 0, result.output
    assert up[0] == ("us-east-1", "work")
    for text in (
        "* Comparing",
        "Changed outside of Terraform",
        "iam role",
        "functions.a, functions.b",
        "3 to make, 1 to replace, 1 to destroy.",
        "Do it? [y/N]: y",
        "[1/6] state.aws_s3_bucket.this made in 12 s",
        "Deployed.",
        "export COVALENT_PROFILE=covalent",
        "covalent doctor",
    ):
        assert text in result.output


def test_up_can_be_declined(up: list[Any]) -> None:
    result = run("up", answer="n\n")
    assert result.exit_code == 0
    assert "Nothing was changed." in result.output
    assert "export" not in result.output


def test_up_without_anybody_to_ask_does_nothing(up: list[Any]) -> None:
    result = run("up", answer="")
    assert result.exit_code == 1
    assert "Aborted" in result.output


def test_every_option_arrives(up: list[Any]) -> None:
    options = (
        "--prefix lab --name ours --python 3.12 --python 3.13 --architecture arm64 --executors lambda "
        "--state s3://states/key --var protect=false --var runner_memory=3008"
    )
    assert run("up", "--yes", *options.split()).exit_code == 0
    wanted = up[1].wanted
    assert (wanted.prefix, wanted.name, wanted.architecture) == ("lab", "ours", "arm64")
    assert wanted.pythons == ("3.12", "3.13")
    assert wanted.state == "s3://states/key"
    assert wanted.variables == {"protect": False, "runner_memory": 3008}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--executors magic", "It can have: "),
        ("--python 3.9", "no runner for Python 3.9"),
        ("--prefix Not_Good", "the prefix 'Not_Good' will not do"),
        ("--architecture mips", "x86_64 or arm64"),
        ("--var nothing", "not of the form name=value"),
    ],
)
def test_what_is_refused(asked: list[Any], options: str, message: str) -> None:
    result = run("up", *options.split())
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output
    assert asked == []  # before AWS is asked


def test_errors_are_shown_with_their_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object) -> Account:
        raise NoCredentials("There are no credentials for AWS.", "Set them up.")

    monkeypatch.setattr(Account, "find", find)
    for command in ("up", "plan", "status", "down"):
        result = run(command)
        assert result.exit_code == 1
        assert result.output == "Error: There are no credentials for AWS.\nSet them up.\n"


def test_plan(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deployment, "plan", lambda _: iter([Step("Comparing"), PLANNED]))
    assert "3 to make, 1 to replace, 1 to destroy." in run("plan").output
    monkeypatch.setattr(Deployment, "plan", lambda _: iter([Planned(())]))
    assert run("plan").output == "Nothing would change.\n"


def status_of(**other: Any) -> Status:
    fields: dict[str, Any] = {
        "settings": Settings("covalent", "ours", ("3.11",), "x86_64", {}),
        "folder": Path("/somewhere"),
        "resources": (("a", "b"),) * 60,
        "outputs": MADE,
        "health": Health(version=__version__, wire=1, pythons=["3.11", "3.12"]),
        "complaint": "",
        "applied": 1_700_000_000.0,
    }
    return Status(**{**fields, **other})


def test_status(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deployment, "status", lambda _: status_of())
    output = run("status").output
    for text in (
        MADE.endpoint,
        f"{__version__}, the same as here",
        "answers, version",
        "Python 3.11, Python 3.12",
        "60",
        "2023-11-14 22:13 UTC",
        "/somewhere",
    ):
        assert text in output


def test_status_of_another_version_that_does_not_answer(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Outputs(**{**vars(MADE), "version": "0.0.1"})
    found = status_of(outputs=old, health=None, complaint="it does not answer", applied=None)
    monkeypatch.setattr(Deployment, "status", lambda _: found)
    output = run("status").output
    assert f"0.0.1; here it is {__version__}: `covalent deploy up` brings both together" in output
    assert "it does not answer" in output


def test_status_of_a_runner_that_the_api_does_not_know(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = status_of(health=Health(version=__version__, wire=1, pythons=["3.11"]))
    monkeypatch.setattr(Deployment, "status", lambda _: found)
    assert "(the API knows 3.11)" in run("status").output


def test_status_with_drift(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deployment, "status", lambda _: status_of())
    monkeypatch.setattr(Deployment, "drift", lambda _: iter([PLANNED]))
    assert "Changed outside of Terraform" in run("status", "--drift").output


@pytest.fixture
def down(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> list[Removal]:
    """What `down` was asked for."""
    found: list[Removal] = []

    def removing(_: Deployment, how: Removal) -> Iterator[Event]:
        found.append(how)
        confirmed = how.is_confirmed(PLANNED)
        yield Done("Everything is removed." if confirmed else "Nothing was removed.")

    monkeypatch.setattr(Deployment, "down", removing)
    return found


def test_down_asks(down: list[Removal]) -> None:
    assert "Nothing was removed." in run("down", answer="n\n").output
    result = run("down", answer="y\n")
    assert "Destroy it?" in result.output
    assert "Everything is removed." in result.output
    assert (down[0].force, down[0].delete_data) == (False, False)


def test_down_asks_again_for_data(down: list[Removal]) -> None:
    result = run("down", "--delete-data", "--force", answer="y\nn\n")
    assert "Delete all data of its dispatches, for good?" in result.output
    assert "Nothing was removed." in result.output
    assert (down[0].force, down[0].delete_data) == (True, True)
    assert "Everything is removed." in run("down", "--delete-data", "--yes").output


def test_cost_of_what_would_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.tf").write_text(
        'resource "aws_s3_bucket" "b" {}\nresource "aws_vpc_endpoint" "e" {}\n'
    )
    monkeypatch.setattr(sources, "terraform", lambda: tmp_path)
    output = run("cost").output
    for text in (
        "1 x S3 bucket",
        "s3/pricing",
        "aws_vpc_endpoint",
        "1,000,000",
    ):
        assert text in output


def test_cost_of_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Workspace.of("123456789012", "eu-west-1", "covalent")
    with here.alone():
        here.remember(name="covalent")
    (here.folder / "terraform.tfstate").write_text(
        '{"resources": [{"mode": "managed", "type": "aws_kms_key", "instances": [{}, {}]}]}'
    )
    assert "2 x KMS key" in run("cost").output
    monkeypatch.setattr(sources, "terraform", lambda: here.folder)
    assert "2 x KMS key" not in run("cost", "--region", "us-east-1").output


def test_on_a_terminal_there_is_a_bar() -> None:
    console = Console(force_terminal=True, width=100, record=True)
    with View(console) as view:
        view.follow(
            [
                PLANNED,
                Step("Applying"),
                Started(BUCKET, "create"),
                Finished(BUCKET, "create", 3),
                Failed("module.covalent.aws_x.y", "create", 1),
                Diagnostic("warning", "Attribute Deprecated"),
                Diagnostic("warning", "Attention"),
                Diagnostic("error", "Broken"),
                Note("1 object deleted"),
                Done("Done."),
            ]
        )
    text = console.export_text()
    for line in ("* Applying", "[2/6] aws_x.y failed", "Attention", "1 object deleted", "Done."):
        assert line in text
    assert "made in" not in text
    assert "Deprecated" not in text
    assert "Broken" not in text  # it is raised


def test_the_bar_ends_when_something_is_raised() -> None:
    def events() -> Iterator[Event]:
        yield Started(BUCKET, "create")
        raise DeployError("broken")

    view = View(Console(force_terminal=True))
    with pytest.raises(DeployError), view:
        view.follow(events())
    assert not view._progress.live.is_started


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("covalent._cli.deploy", {"rich", "httpx", "pydantic", "covalent._deploy"}),
        ("covalent._deploy.deployment", {"boto3", "botocore", "uv", "covalent_control_plane"}),
    ],
)
def test_nothing_heavy_is_loaded(module: str, banned: set[str]) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not banned & set(done.stdout.split())


def test_a_short_address() -> None:
    assert deploying.short(BUCKET) == "state.aws_s3_bucket.this"


@pytest.mark.parametrize(("cloud", "main"), [("azure", "function_app.py"), ("google", "main.py")])
def test_a_function_for_another_cloud(cloud: str, main: str, tmp_path: Path) -> None:
    out = tmp_path / "function.zip"
    assert run("function", cloud, "--output", str(out)).exit_code == 0
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
    assert {main, "requirements.txt", "covalent_executors/bootstrap.py"} <= {*names}
