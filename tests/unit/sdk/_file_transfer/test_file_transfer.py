"""Transfers: which way they go, what is refused, and what of them travels."""

import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import cloudpickle
import pytest

import covalent as ct
from covalent._dispatch.pickles import hooks_on_the_wire
from covalent._file_transfer.file import File
from covalent._file_transfer.file_transfer import FileTransfer, TransferFromRemote, TransferToRemote
from covalent._file_transfer.strategies.transfer_strategy_base import FileTransferStrategy
from covalent._shared_files.exceptions import InvalidTransfer
from covalent_runner.hooking import make_calls
from covalent_runner.workdir import isolated

fs, strategies = ct.fs, ct.fs_strategies


@pytest.mark.parametrize(
    ("source", "target", "strategy"),
    [
        ("/a", "/b", strategies.Shutil),
        ("file:///a", "/b/", strategies.Shutil),
        ("https://host/x", "/b", strategies.HTTP),
        ("/a", "http://host/x", strategies.HTTP),
        ("s3://bucket/x", "/b", strategies.S3),
        ("/a/", "s3://bucket/x", strategies.S3),
        ("gs://bucket/x", "/b", strategies.GCloud),
        ("blob://account/container/x", "/b", strategies.Blob),
        ("https://account.blob.core.windows.net/container/x", "/b", strategies.Blob),
        ("https://account.blob.core.windows.net/container/x?sv=1&sig=2", "/b", strategies.HTTP),
    ],
)
def test_the_way_follows_from_the_addresses(source: str, target: str, strategy: type) -> None:
    assert type(FileTransfer(source, target).strategy) is strategy


def test_orders() -> None:
    assert FileTransfer("/a", "/b").order is fs.Order.BEFORE
    assert TransferFromRemote("s3://b/x").order is fs.Order.BEFORE
    assert TransferToRemote("s3://b/x").order is fs.Order.AFTER
    assert TransferFromRemote("s3://b/x", order=fs.Order.AFTER).order is fs.Order.AFTER
    assert TransferToRemote("s3://b/x", order=fs.Order.BEFORE).order is fs.Order.BEFORE
    assert FileTransfer("/a", "/b", order=cast("Any", "after")).order is fs.Order.AFTER


def test_the_remote_end_is_marked_and_the_users_file_is_not_changed() -> None:
    mine = fs.Folder("/data", include_folder=True)
    rsync = strategies.Rsync(host="there")
    down, up = TransferFromRemote(mine, "/b", rsync), TransferToRemote(mine, "/b", rsync)
    assert down.from_file.is_remote
    assert up.to_file.is_remote
    assert down.from_file.include_folder
    assert not mine.is_remote


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: FileTransfer("s3://a/x", "gs://b/x"), "both elsewhere: make two transfers"),
        (lambda: TransferFromRemote("/data"), r"which\? Pass strategy=.*Rsync"),
        (lambda: TransferFromRemote("/x", strategy=strategies.Rsync()), r"Pass Rsync\(host="),
        (lambda: TransferToRemote(""), "a path or an address"),
        (lambda: FileTransfer("/a", "/b", cast("Any", "later")), "Order.BEFORE or Order.AFTER"),
        (lambda: FileTransfer("/a", "s3://b/x", strategy=strategies.HTTP()), "HTTP transfers http"),
        (lambda: FileTransfer("/a", "s3://b/x", strategy=strategies.Shutil()), "between paths"),
        (lambda: FileTransfer("/a", "/b", strategy=strategies.S3()), "exactly one remote file"),
        (lambda: FileTransfer("https://h/folder/", "/b"), "HTTP cannot transfer a folder"),
        (lambda: FileTransfer("/a/", "https://h/folder"), "HTTP cannot transfer a folder"),
        (lambda: strategies.Rsync(host="-oProxyCommand=x"), "no host that ssh could take"),
        (lambda: strategies.Rsync(user="a b"), "no user"),
        (lambda: strategies.Rsync(private_key_path="-----BEGIN\nx"), "not a key"),
        (lambda: strategies.S3(credentials="aws_access_key_id = x"), "path of a credentials file"),
        (lambda: strategies.Blob(client_id="x"), "together, or none"),
        (lambda: strategies.GCloud("{"), "not the JSON"),
    ],
)
def test_what_cannot_be_done_is_refused_when_it_is_written(
    make: Callable[[], Any], told: str
) -> None:
    with pytest.raises(InvalidTransfer, match=told):
        make()


def test_other_things_than_transfers_are_refused() -> None:
    with pytest.raises(TypeError, match=r"ct\.fs_strategies.*write for example"):
        FileTransfer("/a", "/b", strategy=cast("Any", "s3"))
    with pytest.raises(TypeError, match=r"files takes file transfers.*ct\.fs\.FileTransfer"):
        ct.electron(files=cast("Any", ["/a"]))(lambda: 1)


def _hooks(function: Any, files: Any, **more: Any) -> Any:
    made = ct.electron(files=files, **more)(function)
    return hooks_on_the_wire(made.electron_object.metadata["hooks"])


def test_nothing_that_travels_needs_the_sdk() -> None:
    transfers = [
        FileTransfer("/a", "/b"),
        TransferFromRemote("s3://b/x", strategy=strategies.S3(profile="lab")),
        TransferFromRemote("https://h/x"),
        TransferFromRemote("gs://b/x", strategy=strategies.GCloud("/account.json")),
        TransferToRemote(
            "/x", strategy=strategies.Rsync("u", "h", "/key", known_hosts="h ssh-rsa A")
        ),
        TransferToRemote("blob://a/c/x"),
    ]
    data = cloudpickle.dumps(_hooks(lambda files: 1, transfers))
    named = {str(each) for _, each, _ in _globals(data)}
    assert {name.split(".")[0].split(" ")[0] for name in named} <= {
        "covalent_contracts",
        "covalent_runner",
    }


def _globals(data: bytes) -> Any:
    import pickletools

    strings: list[str] = []
    for opcode, argument, position in pickletools.genops(data):
        if opcode.name in ("SHORT_BINUNICODE", "BINUNICODE"):
            strings.append(str(argument))
        if opcode.name == "STACK_GLOBAL":
            module = next(each for each in reversed(strings[:-1]) if each.startswith("covalent"))
            yield opcode, module, position


def test_paths_are_injected_in_order_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    transfers = [
        TransferToRemote("s3://bucket/x", "out"),
        FileTransfer(tmp_path / "a", tmp_path / "b"),
        FileTransfer(tmp_path / "a"),
    ]
    hooks = _hooks(lambda files: 1, transfers, call_before=[ct.DepsCall(len, ["abc"])])
    assert len(hooks.before) == 4
    assert len(hooks.after) == 1
    with isolated("dispatch") as folder:
        found = make_calls(hooks.before)["files"]
        assert found[0] == (str(folder / "out"), "s3://bucket/x")
        assert found[1] == (str(tmp_path / "a"), str(tmp_path / "b"))
        assert Path(found[2][1]).parent == folder
        assert Path(found[2][1]).read_text() == "1"


@pytest.mark.parametrize(
    "function", [lambda: 1, lambda **files: 1, lambda *files: 1, lambda files, /: 1]
)
def test_nobody_gets_files_who_does_not_take_them(function: Any) -> None:
    assert [call.keyword for call in _hooks(function, [FileTransfer("/a", "/b")]).before] == [""]


def test_one_transfer_needs_no_list() -> None:
    assert len(_hooks(lambda: 1, FileTransfer("/a", "/b")).before) == 1


def test_a_required_parameter_files_is_not_missing() -> None:
    @ct.electron(files=[FileTransfer("/a", "/b")])
    def reads(n: int, files: Any) -> int:
        return n

    @ct.lattice
    def flow() -> Any:
        return cast("Any", reads)(1)

    flow.build_graph()
    assert len(flow.transport_graph) == 3


def test_two_electrons_share_no_file_that_covalent_chose(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    hooks = _hooks(lambda files: 1, [FileTransfer(tmp_path / "a")])
    seen = set()
    for _ in range(2):
        with isolated("dispatch"):
            seen.add(Path(make_calls(hooks.before)["files"][0][1]).name)
    assert len(seen) == 1  # one name, in folders of their own


class Telegraph(FileTransferStrategy):
    """A strategy of the user's own."""

    def cp(self, from_file: File, to_file: File | None = None) -> Callable[[], Any]:
        assert to_file is not None
        source, target = from_file.filepath, to_file.filepath

        def send() -> None:
            Path(target).write_text(Path(source).read_text().upper() + " STOP")

        return send

    download = upload = cp


def test_a_strategy_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("come")
    hooks = _hooks(lambda files: 1, [FileTransfer(tmp_path / "a", strategy=Telegraph())])
    with isolated("dispatch"):
        [(_, target)] = make_calls(hooks.before)["files"]
    assert Path(target).read_text() == "COME STOP"
    Path(target).unlink()


def test_cp_makes_the_transfer(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    FileTransfer(tmp_path / "a", tmp_path / "b").cp()()
    strategies.Shutil().cp(File(tmp_path / "a"), File(tmp_path / "c"))()
    assert (tmp_path / "b").read_text() == (tmp_path / "c").read_text() == "1"


def test_strategies_take_what_the_reference_says() -> None:
    found = {
        name: [*inspect.signature(getattr(strategies, name)).parameters][:3]
        for name in strategies.__all__
    }
    assert found == {
        "Blob": ["client_id", "client_secret", "tenant_id"],
        "GCloud": ["credentials", "project_id"],
        "HTTP": [],
        "Rsync": ["user", "host", "private_key_path"],
        "S3": ["credentials", "profile", "region_name"],
        "Shutil": [],
    }


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config"


SECRET = "q8Q~not-a-real-secret"


@pytest.mark.parametrize(
    "strategy",
    [
        lambda: (strategies.Blob("id", SECRET, "tenant"), "blob://account/container/x"),
        lambda: (
            strategies.GCloud(f'{{"client_email": "a@b", "private_key": "{SECRET}"}}'),
            "gs://bucket/x",
        ),
    ],
)
def test_a_secret_stays_on_this_machine(config: Path, strategy: Any) -> None:
    made, address = strategy()
    transfer = TransferFromRemote(address, strategy=made)
    electron = ct.electron(files=[transfer])(lambda: 1)
    wire = cloudpickle.dumps(hooks_on_the_wire(electron.electron_object.metadata["hooks"]))
    whole = cloudpickle.dumps((electron.electron_object, transfer, made))
    assert SECRET.encode() not in wire + whole
    assert SECRET not in repr(made.way())
    [kept] = (config / "covalent_secrets").iterdir()
    assert SECRET in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    restored = pickle.loads(wire).before[0].args[2].way
    assert (
        SECRET
        in vars(restored)[next(n for n, v in vars(restored).items() if hasattr(v, "text"))].text()
    )


def test_a_secret_that_changed_is_the_later_one(config: Path) -> None:
    for secret in ("first", "second"):
        cloudpickle.dumps(strategies.Blob("id", secret, "tenant").way())
    [kept] = (config / "covalent_secrets").iterdir()
    assert kept.read_text() == "second"


@pytest.mark.parametrize("place", ["arn:aws:secretsmanager:x", "/run/secret", "~/secret"])
def test_where_a_secret_is_kept_travels(config: Path, place: str) -> None:
    strategy = strategies.Blob("id", place, "tenant")
    assert strategy.credentials == ("id", place, "tenant")
    assert place.encode() in cloudpickle.dumps(strategy.way())
    assert not (config / "covalent_secrets").exists()


def test_credentials_are_shown_as_they_were_given(config: Path) -> None:
    assert strategies.Blob("id", SECRET, "tenant").credentials == ("id", SECRET, "tenant")
    assert strategies.GCloud("/account.json").credentials == "/account.json"
    assert strategies.GCloud().credentials is None
    assert strategies.Blob().credentials == (None, None, None)
    assert not config.exists()
