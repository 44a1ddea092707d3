"""Transfers with S3, on moto."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.backends import get_backend
from moto.server import ThreadedMotoServer
from tests.moving import SIZE, TREE, Peak, content, move, place

from covalent_runner.transfers import s3
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.errors import TransferFailed
from covalent_runner.transfers.moves import Move
from covalent_runner.transfers.s3 import BucketWay


@dataclass(frozen=True)
class Bucket:
    """A bucket `data` of an account, which is reached as the environment says."""

    s3: Any
    url: str

    def keys(self) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket="data").get("Contents", ())]

    def body(self, key: str) -> bytes:
        found: bytes = self.s3.get_object(Bucket="data", Key=key)["Body"].read()
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    yield "http://{}:{}".format(*moto.get_host_and_port())
    moto.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bucket:
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "HOME": str(tmp_path / "home"),
    }.items():
        monkeypatch.setenv(name, value)
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST"))
    found = Bucket(boto3.session.Session().client("s3"), server)
    found.s3.create_bucket(Bucket="data")
    return found


def test_a_file_there_and_back(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("content")
    move(BucketWay(), tmp_path / "x.txt", "s3://data/a/b.txt")
    move(BucketWay(), tmp_path / "x.txt", "s3://data/into/")
    move(BucketWay(), "s3://data/a/b.txt", tmp_path / "new" / "back.txt")
    move(BucketWay(), "s3://data/into/x.txt", f"{tmp_path}/folder/")
    assert bucket.keys() == ["a/b.txt", "into/x.txt"]
    assert (tmp_path / "new" / "back.txt").read_text() == "content"
    assert (tmp_path / "folder" / "x.txt").read_text() == "content"


@pytest.mark.parametrize("target", ["s3://data/up", "s3://data/up/"])
def test_a_folder_there_and_back(bucket: Bucket, tree: Path, tmp_path: Path, target: str) -> None:
    move(BucketWay(), place(tree, folder=True), target)
    assert bucket.keys() == [f"up/{name}" for name in TREE]
    move(BucketWay(), "s3://data/up/", tmp_path / "back")
    assert content(tmp_path / "back") == TREE


def test_a_folder_as_such(bucket: Bucket, tree: Path, tmp_path: Path) -> None:
    move(BucketWay(), place(tree, folder=True, include_folder=True), "s3://data")
    assert bucket.keys() == [f"tree/{name}" for name in TREE]
    move(BucketWay(), place("s3://data/tree/", folder=True, include_folder=True), tmp_path / "got")
    assert content(tmp_path / "got" / "tree") == TREE


def test_a_folder_of_more_than_one_page(bucket: Bucket) -> None:
    backend = get_backend("s3")["123456789012"]["aws"]  # over HTTP each takes 20 ms
    for number in range(1001):
        backend.put_object("data", f"many/{number}", b"")
    assert len(list(s3._Bucket(bucket.s3, "data").keys("many/"))) == 1001


def test_markers_of_folders_are_folders(bucket: Bucket, tmp_path: Path) -> None:
    for key in ("in/", "in/empty/", "in/full/x"):
        bucket.s3.put_object(Bucket="data", Key=key, Body=b"")
    move(BucketWay(), "s3://data/in/", tmp_path / "got")
    assert sorted(p.relative_to(tmp_path).as_posix() for p in (tmp_path / "got").rglob("*")) == [
        "got/empty",
        "got/full",
        "got/full/x",
    ]


def test_a_key_does_not_lead_out_of_the_folder(bucket: Bucket, tmp_path: Path) -> None:
    bucket.s3.put_object(Bucket="data", Key="in/../../escaped", Body=b"x")
    with pytest.raises(TransferFailed, match="leads out of the folder"):
        move(BucketWay(), "s3://data/in/", tmp_path / "a" / "b")
    assert not list(tmp_path.rglob("escaped"))


def test_nothing_is_in_memory_as_a_whole(
    bucket: Bucket, large: Path, tmp_path: Path, peak: Peak
) -> None:
    (tmp_path / "small").write_text("x")
    small, there, copy = tmp_path / "small", "s3://data/small", tmp_path / "copy"
    goal = "s3://data/large"
    up = Move(BucketWay(), place(large), place(goal)), Move(BucketWay(), place(small), place(there))
    assert peak(*up) < SIZE / 2
    down = Move(BucketWay(), place(goal), place(copy)), Move(BucketWay(), place(there), place(copy))
    assert peak(*down) < SIZE / 2
    assert copy.read_bytes() == large.read_bytes()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("s3://data/nosuch", "the source s3://data/nosuch does not exist$"),
        ("s3://data/in", "does not exist; a folder s3://data/in/ does: end it with a slash"),
        ("s3://data/nosuch/", "is empty or does not exist"),
        ("s3://nosuch/x", "does not exist"),
        ("s3://nosuch/x/", "bucket that does not exist"),
    ],
)
def test_a_missing_source(bucket: Bucket, tmp_path: Path, address: str, reason: str) -> None:
    bucket.s3.put_object(Bucket="data", Key="in/x", Body=b"")
    with pytest.raises(TransferFailed, match=reason):
        move(BucketWay(), address, tmp_path / "goal")
    assert not list(tmp_path.rglob("*.part"))


def test_a_folder_tells_which_object_it_was(
    bucket: Bucket, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TransferFailed, match=r"the target s3://nosuch/up/.+\.txt is in a bucket"):
        move(BucketWay(), tree, "s3://nosuch/up")
    keys = iter(["in/gone.txt"])
    monkeypatch.setattr(s3._Bucket, "keys", lambda *_: keys)
    with pytest.raises(TransferFailed, match=r"the source s3://data/in/gone\.txt does not exist"):
        move(BucketWay(), "s3://data/in/", tmp_path / "goal")


def test_a_missing_bucket_is_the_targets(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(
        TransferFailed, match="the target s3://nosuch/x is in a bucket that does not"
    ):
        move(BucketWay(), tmp_path / "x", "s3://nosuch/x")


def test_nobody_there(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(TransferFailed, match="cannot be reached: Could not connect"):
        move(BucketWay(), "s3://data/x", tmp_path / "x")


def _profile(url: str, region: str = "us-east-1") -> str:
    keys = "aws_access_key_id = lab\naws_secret_access_key = lab"
    return f"[lab]\n{keys}\nregion = {region}\nendpoint_url = {url}\n"


def test_a_profile_is_all_that_counts(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.s3.put_object(Bucket="data", Key="x", Body=b"1")
    file = tmp_path / "home" / ".aws" / "credentials"
    file.parent.mkdir(parents=True)
    file.write_text(_profile(bucket.url))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # the deployment's own
    move(BucketWay(profile="lab"), "s3://data/x", tmp_path / "x")
    assert (tmp_path / "x").read_text() == "1"


def test_a_credentials_file_and_one_in_secrets_manager(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.s3.put_object(Bucket="data", Key="x", Body=b"1")
    file = tmp_path / "lab.credentials"
    file.write_text(_profile(bucket.url))
    move(BucketWay(Secret(str(file)), "lab"), "s3://data/x", tmp_path / "one")
    made = boto3.client("secretsmanager").create_secret(
        Name="lab", SecretString=_profile(bucket.url)
    )
    move(BucketWay(Secret(made["ARN"]), "lab"), "s3://data/x", tmp_path / "two")
    assert (tmp_path / "one").read_text() == (tmp_path / "two").read_text() == "1"


def test_an_unknown_profile(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match=r"profile \(nosuch\) could not be found"):
        move(BucketWay(profile="nosuch"), "s3://data/x", tmp_path / "x")


def test_no_credentials(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(TransferFailed, match="there are no AWS credentials where the electron ran"):
        move(BucketWay(), "s3://data/x", tmp_path / "x")


def test_access_denied_says_what_is_needed(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::data/x",
        },
    }
    bucket.s3.put_object(Bucket="data", Key="x", Body=b"1")
    bucket.s3.put_bucket_policy(Bucket="data", Policy=json.dumps(policy))
    with pytest.raises(TransferFailed, match=r"may not be used: who transfers needs s3:GetObject"):
        move(BucketWay(), "s3://data/x", tmp_path / "x")
