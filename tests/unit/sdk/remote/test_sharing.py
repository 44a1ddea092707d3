"""Sharing a dispatch: `covalent.sharing` and `covalent share`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

import covalent as ct
from covalent import sharing
from covalent._cli.main import cli
from covalent._shared_files.exceptions import MissingLatticeRecordError
from covalent_contracts.api import MAX_READERS
from covalent_contracts.errors import InvalidWorkflow

if TYPE_CHECKING:
    from tests.unit.sdk.remote.conftest import ControlPlane

START = "arn:aws:iam::123456789012"
ADA = f"{START}:user/ada"
LAB = f"{START}:role/lab"
SESSION = "arn:aws:sts::123456789012:assumed-role/lab/monday"
PERSON = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_lab_0123456789abcdef/eve"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["share", *words])


def test_readers_come_and_go(dispatched: str) -> None:
    assert ct.sharing.readers(dispatched) == []
    assert sharing.share(dispatched, LAB) == [LAB]
    assert sharing.share(dispatched, ADA, PERSON) == sorted([ADA, LAB, PERSON])
    assert sharing.revoke(dispatched, LAB, PERSON) == [ADA]
    assert sharing.readers(dispatched) == [ADA]


def test_the_session_of_a_role_is_the_role(dispatched: str) -> None:
    assert sharing.share(dispatched, SESSION) == [LAB]
    assert sharing.revoke(dispatched, SESSION.replace("monday", "tuesday")) == []


@pytest.mark.parametrize("text", ["", "ada", "arn:aws:s3:::bucket", "arn:aws:iam::12:user/ada"])
def test_what_is_no_principal_is_named_and_nothing_sent(
    dispatched: str, plane: ControlPlane, text: str
) -> None:
    with pytest.raises(InvalidWorkflow, match=f"not the ARN of a principal: {text!r}"):
        sharing.share(dispatched, ADA, text)
    assert "PUT" not in " ".join(plane.log)


def test_too_many(dispatched: str) -> None:
    many = [f"{START}:user/u{number}" for number in range(MAX_READERS + 1)]
    with pytest.raises(InvalidWorkflow, match=f"with {MAX_READERS} principals, not with 101"):
        sharing.share(dispatched, *many)


def test_revoking_what_was_never_given_changes_nothing(dispatched: str) -> None:
    sharing.share(dispatched, LAB)
    with pytest.raises(InvalidWorkflow, match=f"not shared with {ADA}, but with {LAB}"):
        sharing.revoke(dispatched, LAB, ADA)
    assert sharing.readers(dispatched) == [LAB]


def test_only_the_owner_shares() -> None:
    for call in (sharing.readers, sharing.share):
        with pytest.raises(MissingLatticeRecordError, match="only who dispatched it can share it"):
            call(UNKNOWN)
    with pytest.raises(MissingLatticeRecordError, match="not a dispatch id"):
        sharing.readers("../../health")


def test_the_command(dispatched: str) -> None:
    shown = run(dispatched)
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "Nobody but you.\n")
    assert run(dispatched, "--with", LAB, "--with", ADA).stdout == f"{LAB}\n{ADA}\n"
    assert run(dispatched, "--revoke", LAB).stdout == f"{ADA}\n"
    assert run(dispatched, "--list").stdout == f"{ADA}\n"


def test_the_command_complains(dispatched: str) -> None:
    assert run(dispatched, "--list", "--with", ADA).exit_code == 2
    unknown = run(UNKNOWN, "--with", ADA)
    assert (unknown.exit_code, unknown.stderr[:26]) == (1, "Error: you have no dispatch"[:26])
