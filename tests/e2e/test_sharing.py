"""A dispatch shared with others, by its owner, on the real server."""

import uuid

import pytest
from click.testing import CliRunner
from tests.running import Server

import covalent as ct
from covalent._cli.main import cli
from covalent._shared_files.exceptions import MissingLatticeRecordError

LAB = "arn:aws:iam::123456789012:role/lab"
SESSION = "arn:aws:sts::123456789012:assumed-role/lab/monday"


@ct.electron
def one() -> int:
    return 1


@ct.lattice
def workflow() -> int:
    return one()


def test_readers_come_and_go(server: Server) -> None:
    dispatch_id = ct.dispatch(workflow)()
    shared = CliRunner().invoke(cli, ["share", dispatch_id, "--with", SESSION])
    assert (shared.exit_code, shared.stdout) == (0, f"{LAB}\n"), shared.output
    assert ct.sharing.readers(dispatch_id) == [LAB]
    assert ct.sharing.revoke(dispatch_id, SESSION) == []
    assert ct.get_result(dispatch_id, wait=True).result == 1


def test_what_is_not_there_cannot_be_shared(server: Server) -> None:
    with pytest.raises(MissingLatticeRecordError, match="only who dispatched it can share it"):
        ct.sharing.share(str(uuid.uuid4()), LAB)
