"""File transfers of whole workflows, on the embedded AWS."""

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.running import Server

import covalent as ct
from covalent._file_transfer.strategies.transfer_strategy_base import FileTransferStrategy

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests

fs = ct.fs
ROOT = Path(__file__).parents[2]


def run(function: Any, files: Any, *args: Any, **settings: Any) -> Any:
    """Run a lattice of one electron."""
    electron = ct.electron(files=files, **settings)(function)

    @ct.lattice
    def workflow(*values: Any) -> Any:
        return electron(*values)

    return ct.get_result(ct.dispatch(workflow)(*args), wait=True)


@pytest.fixture
def bucket(server: Server) -> Any:
    """A bucket `data` of the offline account."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="data")
    return s3


def test_before_and_after_in_order(server: Server, tmp_path: Path) -> None:
    (tmp_path / "source").write_text("before")
    transfers = [
        fs.FileTransfer("result.txt", tmp_path / "kept" / "result", fs.Order.AFTER),
        fs.FileTransfer(tmp_path / "source", "input.txt"),
        fs.FileTransfer("input.txt", tmp_path / "seen"),
    ]

    def work(files: Any) -> Any:
        text = Path("input.txt").read_text()
        Path("result.txt").write_text(text + ", after")
        return files, Path(files[0][1]).exists()

    result = run(work, transfers)
    assert result.error is None
    files, was_there = result.result
    assert not was_there
    assert files[0][1] == str(tmp_path / "kept" / "result")
    assert (tmp_path / "kept" / "result").read_text() == "before, after"
    assert (tmp_path / "seen").read_text() == "before"


def test_transfers_and_calls_run_in_the_documented_order(server: Server, tmp_path: Path) -> None:
    def note(text: str) -> None:
        with (tmp_path / "log").open("a") as file:
            file.write(text + " ")

    def seen(what: str) -> None:
        note(f"{what}:{Path('in').exists():d}{(tmp_path / 'out').exists():d}")

    (tmp_path / "a").write_text("1")
    transfers = [
        fs.FileTransfer(tmp_path / "a", "in"),
        fs.FileTransfer("in", tmp_path / "out", order=fs.Order.AFTER),
    ]
    result = run(
        lambda: seen("electron"),
        transfers,
        deps_bash=f"test -e in || printf 'bash:0 ' >> {tmp_path}/log",
        call_before=[ct.DepsCall(seen, ["before"])],
        call_after=[ct.DepsCall(seen, ["after"])],
    )
    assert result.error is None
    assert (tmp_path / "log").read_text() == "bash:0 before:10 electron:10 after:11 "


def test_s3_files_and_folders(bucket: Any, tmp_path: Path) -> None:
    for key in ("in/a.txt", "in/sub/b.txt"):
        bucket.put_object(Bucket="data", Key=key, Body=key.encode())
    transfers = [
        fs.TransferFromRemote("s3://data/in/a.txt"),
        fs.TransferFromRemote("s3://data/in/", "copy/"),
        fs.TransferToRemote("s3://data/out.txt"),
        fs.TransferToRemote(fs.Folder("s3://data/results"), fs.Folder("copy", include_folder=True)),
    ]

    def work(times: int, files: Any = ()) -> Any:
        (_, one), (_, folder), (result, _), _ = files
        os.chdir("/")  # where the electron goes does not matter
        Path(result).write_text(Path(one).read_text() * times)
        return sorted(path.name for path in Path(folder).rglob("*"))

    result = run(work, transfers, 2)
    assert result.error is None
    assert result.result == ["a.txt", "b.txt", "sub"]
    body = bucket.get_object(Bucket="data", Key="out.txt")["Body"].read()
    assert body == b"in/a.txtin/a.txt"
    found = bucket.list_objects_v2(Bucket="data", Prefix="results/")["Contents"]
    assert [each["Key"] for each in found] == [
        "results/copy/a.txt",
        "results/copy/sub/b.txt",
    ]


def test_every_electron_of_a_fan_out_has_its_own_files(bucket: Any) -> None:
    bucket.put_object(Bucket="data", Key="shared", Body=b"0")

    @ct.electron(files=[fs.TransferFromRemote("s3://data/shared")])
    def add(n: int, files: Any = ()) -> Any:
        path = Path(files[0][1])
        path.write_text(f"{path.read_text()},{n}")
        return path.read_text()

    @ct.lattice
    def workflow(count: int) -> Any:
        return [add(n) for n in range(count)]

    result = ct.get_result(ct.dispatch(workflow)(8), wait=True)
    assert result.result == [f"0,{n}" for n in range(8)]


@pytest.fixture
def website(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "data.json").write_text('{"answer": 42}')
    handler: Callable[..., Any] = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_download_from_the_web(server: Server, website: str) -> None:
    result = run(
        lambda files: json.loads(Path(files[0][1]).read_text())["answer"],
        [fs.TransferFromRemote(f"{website}/data.json")],
    )
    assert result.result == 42


class Telegraph(FileTransferStrategy):
    """A strategy of a user's own."""

    def cp(self, from_file: Any, to_file: Any = None) -> Callable[[], Any]:
        source, target = from_file.filepath, to_file.filepath
        return lambda: Path(target).write_text(Path(source).read_text().upper() + " STOP")

    download = upload = cp


def test_a_strategy_of_ones_own(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("come")
    transfer = fs.FileTransfer(tmp_path / "a", tmp_path / "b", strategy=Telegraph())
    result = run(lambda files: Path(files[0][1]).read_text(), [transfer])
    assert result.result == "COME STOP"


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("/nosuch/data.csv", "/tmp/x", "the source /nosuch/data.csv does not exist"),
        ("/etc/hostname", "/proc/x/y", "the target /proc/x/y cannot be written"),
        ("s3://data/nosuch", "x", "the source s3://data/nosuch does not exist"),
        ("relative.csv", "/tmp/x", "relative paths are in the electron's working directory"),
    ],
)
def test_a_failed_transfer_fails_the_electron_and_says_why(
    bucket: Any, source: str, target: str, told: str
) -> None:
    result = run(lambda: 1, [fs.FileTransfer(source, target)])
    assert result.status == "FAILED"
    assert told in result.error
    assert "TransferFailed" in result.error
    assert told in result.get_node_result(0)["error"]


def test_an_upload_that_fails_fails_the_electron_too(bucket: Any) -> None:
    result = run(lambda files: 1, [fs.TransferToRemote("s3://nosuch/x")])
    assert result.status == "FAILED"
    assert "the target s3://nosuch/x is in a bucket that does not exist" in result.error


def test_a_secret_is_in_nothing_that_was_stored(server: Server) -> None:
    secret = "q8Q~not-a-real-secret"
    strategy = ct.fs_strategies.Blob("id", secret, "tenant")
    address = "http://127.0.0.1:9/account/container/x"
    result = run(lambda: 1, [fs.TransferFromRemote(address, strategy=strategy)])
    assert result.status == "FAILED"
    assert secret not in str(result.error)
    s3 = server.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="covalent-local")
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    assert any(result.dispatch_id in key for key in keys)
    for key in keys:
        assert secret.encode() not in s3.get_object(Bucket="covalent-local", Key=key)["Body"].read()
    stored = [path for path in server.data_dir.rglob("*") if path.is_file()]
    assert stored
    assert not [path for path in stored if secret.encode() in path.read_bytes()]


def test_the_example_of_the_manual_runs(bucket: Any, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "file_transfers.md").read_text()
    example = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    bucket.put_object(Bucket="data", Key="in/numbers.txt", Body=b"1\n2\n3\n")
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(example.replace("s3://my-bucket", "s3://data"), "example", "exec"), space)
    assert space["result"].result == 6
    assert bucket.get_object(Bucket="data", Key="out/total.txt")["Body"].read() == b"6"
