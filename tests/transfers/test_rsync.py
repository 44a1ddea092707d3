"""rsync on this machine, and over ssh to a real server."""

import os
import pwd
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.moving import TREE, content, move, place
from tests.transfers.conftest import Host, StartHost, tool

import covalent as ct
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.errors import TransferFailed
from covalent_runner.transfers.places import Place
from covalent_runner.transfers.rsync import Rsync


@pytest.fixture(scope="module", autouse=True)
def _rsync() -> None:
    tool("rsync", "rsync")


def _way(host: Host, **changed: Any) -> Rsync:
    settings = {
        "host": "127.0.0.1",
        "user": host.user,
        "port": host.port,
        "key": Secret(str(host.key)),
        "known_hosts": str(host.known_hosts),
    }
    return Rsync(**{**settings, **changed})


def _remote(path: Any, **flags: bool) -> Place:
    return place(path, remote=True, **flags)


def test_a_file_here(tmp_path: Path) -> None:
    (tmp_path / "a b").write_text("1")
    (tmp_path / "a b").chmod(0o640)
    move(Rsync(), tmp_path / "a b", tmp_path / "new" / "c")
    move(Rsync(), tmp_path / "a b", f"{tmp_path}/folder/")
    assert (tmp_path / "new" / "c").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "folder" / "a b").read_text() == "1"


def test_folders_here(tree: Path, tmp_path: Path) -> None:
    move(Rsync(), place(tree, folder=True), tmp_path / "flat" / "goal")
    move(Rsync(), place(tree, folder=True, include_folder=True), tmp_path / "nested")
    assert content(tmp_path / "flat" / "goal") == content(tmp_path / "nested" / "tree") == TREE


def test_a_file_there_and_back(host: Host, tmp_path: Path) -> None:
    awkward = "a b'c\"d $HOME ü"
    (tmp_path / awkward).write_text("1")
    there = host.folder / "new folder" / awkward
    move(_way(host), tmp_path / awkward, _remote(there))
    move(_way(host), _remote(there), tmp_path / "back")
    move(_way(host), _remote(there), f"{tmp_path}/folder/")
    assert there.read_text() == "1"
    assert (tmp_path / "back").read_text() == "1"
    assert (tmp_path / "folder" / awkward).read_text() == "1"


def test_a_file_into_a_folder_there(host: Host, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1")
    move(_way(host), tmp_path / "x", _remote(f"{host.folder}/in/"))
    assert (host.folder / "in" / "x").read_text() == "1"


@pytest.mark.parametrize("include", [False, True])
def test_a_folder_there_and_back(host: Host, tree: Path, tmp_path: Path, include: bool) -> None:
    there = host.folder / f"folder {include}"
    inside = there / "tree" if include else there
    move(_way(host), place(tree, folder=True, include_folder=include), _remote(there))
    assert content(inside) == TREE
    source = _remote(inside, folder=True, include_folder=include)
    move(_way(host), source, tmp_path / "back")
    assert content(tmp_path / "back" / ("tree" if include else "")) == TREE


def test_a_home_there_needs_no_shell(host: Host, tmp_path: Path) -> None:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)  # as ssh sees it, whatever HOME says here
    relative = os.path.relpath(host.folder, home)
    (tmp_path / "x").write_text("1")
    move(_way(host), tmp_path / "x", _remote(f"~/{relative}/from-home"))
    assert (host.folder / "from-home").read_text() == "1"


def test_host_keys_as_lines(host: Host, tmp_path: Path) -> None:
    (host.folder / "lines").write_text("1")
    lines = host.known_hosts.read_text()
    move(_way(host, known_hosts=lines), _remote(host.folder / "lines"), tmp_path / "x")
    assert (tmp_path / "x").read_text() == "1"


def test_a_key_in_secrets_manager(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (host.folder / "secret").write_text("1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.session.Session().client("secretsmanager", region_name="us-east-1")
        text = host.key.read_text().rstrip("\n")  # as it is often pasted
        arn = client.create_secret(Name="key", SecretString=text)["ARN"]
        move(_way(host, key=Secret(arn)), _remote(host.folder / "secret"), tmp_path / "x")
    assert (tmp_path / "x").read_text() == "1"


def test_an_unknown_host_is_refused_with_the_way_to_know_it(host: Host, tmp_path: Path) -> None:
    empty = tmp_path / "known"
    empty.touch()
    told = (
        rf"key is not known, or has changed.*ssh-keyscan -p {host.port} 127\.0\.0\.1.*known_hosts="
    )
    with pytest.raises(TransferFailed, match=told) as caught:
        move(_way(host, known_hosts=str(empty)), _remote("/etc/hostname"), tmp_path / "x")
    assert "the source /etc/hostname is on a host" in str(caught.value)
    assert empty.read_text() == ""
    assert "\n" not in str(caught.value)


def test_a_host_whose_key_has_changed_is_refused(
    host: Host, start_host: StartHost, tmp_path: Path
) -> None:
    other = start_host()
    wrong = other.known_hosts.read_text().replace(str(other.port), str(host.port))
    with pytest.raises(TransferFailed, match="key is not known, or has changed"):
        move(_way(host, known_hosts=wrong), _remote("/etc/hostname"), tmp_path / "x")


def test_a_wrong_key_is_refused(host: Host, start_host: StartHost, tmp_path: Path) -> None:
    key = Secret(str(start_host().key))
    with pytest.raises(
        TransferFailed, match="takes neither user nor key; pass user and private_key"
    ):
        move(_way(host, key=key), _remote("/etc/hostname"), tmp_path / "x")


def test_a_missing_key_says_where_it_must_be(host: Host, tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match=r"nosuch cannot be read on .*Secrets Manager"):
        move(_way(host, key=Secret(str(tmp_path / "nosuch"))), _remote("/x"), tmp_path / "x")


def test_nobody_there(host: Host, tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match=r"cannot be reached by ssh.*refused"):
        move(_way(host, port=9), _remote("/x"), tmp_path / "x")


@pytest.mark.parametrize("flags", [{}, {"folder": True}])
def test_a_missing_source_there(host: Host, tmp_path: Path, flags: dict[str, bool]) -> None:
    missing = host.folder / "nosuch"
    with pytest.raises(TransferFailed, match=rf"the source {missing} does not exist"):
        move(_way(host), _remote(missing, **flags), tmp_path / "x")
    assert not list(tmp_path.rglob("*.part"))


def test_a_target_there_that_cannot_be_written(host: Host, tmp_path: Path) -> None:
    for file in (tmp_path / "x", host.folder / "file"):
        file.write_text("")
    target = host.folder / "file" / "below"
    with pytest.raises(TransferFailed, match=rf"the target {target} cannot be written"):
        move(_way(host), tmp_path / "x", _remote(target))


def test_a_host_without_rsync(start_host: StartHost, tmp_path: Path) -> None:
    bare = start_host(
        "SetEnv PATH=/nowhere", 'ForceCommand PATH=/nowhere; eval "$SSH_ORIGINAL_COMMAND"'
    )
    with pytest.raises(TransferFailed, match=r"on a host without rsync: apt-get install"):
        move(_way(bare), _remote("/etc/hostname"), tmp_path / "x")


@pytest.mark.parametrize(("missing", "remote"), [("rsync", False), ("rsync", True), ("ssh", True)])
def test_a_machine_without_the_tool(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, remote: bool
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in {"rsync", "ssh"} - {missing}:
        (tools / name).symlink_to(tool(name, name))
    monkeypatch.setenv("PATH", str(tools))
    (tmp_path / "x").write_text("")
    with pytest.raises(TransferFailed, match=f"{missing} is not installed on .*apt-get install"):
        move(_way(host), tmp_path / "x", place(tmp_path / "y", remote=remote))


def test_missing_and_unwritable_here(tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match=r"the source .*nosuch does not exist"):
        move(Rsync(), tmp_path / "nosuch", tmp_path / "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(TransferFailed, match=r"the target .*below cannot be written"):
        move(Rsync(), tmp_path / "file", tmp_path / "file" / "below")


def test_the_promised_commands_run(host: Host, tmp_path: Path) -> None:
    strategy = ct.fs_strategies.Rsync(**host.settings)
    (tmp_path / "a b").write_text("1")
    here, copy = ct.fs.File(tmp_path / "a b"), ct.fs.File(tmp_path / "copy")
    there, back = ct.fs.File(host.folder / "cmd"), ct.fs.File(tmp_path / "back")
    for command in (
        strategy.get_rsync_cmd(here, copy),
        strategy.get_rsync_ssh_cmd(here, there),
        strategy.get_rsync_ssh_cmd(back, there, transfer_from_remote=True),
    ):
        assert shlex.split(command)[0] == "rsync"
        strategy.return_subprocess_callable(command)()
    assert (tmp_path / "back").read_text() == (tmp_path / "copy").read_text() == "1"


def test_a_failing_command_fails() -> None:
    run = ct.fs_strategies.Rsync().return_subprocess_callable("rsync /nosuch /nowhere")
    with pytest.raises(subprocess.CalledProcessError):
        run()


def test_nothing_is_asked_of_a_terminal(host: Host) -> None:
    command = _way(host).command(_remote("/x"), place("/y"), None, None)
    [rsh] = [command[n + 1] for n, each in enumerate(command) if each == "--rsh"]
    assert "BatchMode=yes" in rsh
    assert re.search(r"StrictHostKeyChecking=yes", rsh)
