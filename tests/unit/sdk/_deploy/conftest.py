"""The zips, built once; interpreters that see what Lambda would; a configuration of its own for each test."""

import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from covalent._deploy import artifacts, settings
from covalent._deploy.artifacts import Target
from covalent._deploy.terraform import Terraform
from covalent._shared_files.config import reload_config
from covalent_contracts import keys, pickling, records
from covalent_contracts.ids import digest_of
from covalent_contracts.sheet import Page, Ref, Sheet, dump

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
ROOT = Path(__file__).parents[4]
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"

Unzipped = Callable[[Target], Path]


def interpreter(minor: str) -> str | None:
    """A Python of this minor version on this machine."""
    if minor == OWN:
        return sys.executable
    found = shutil.which(f"python{minor}")
    if found is None:
        return None
    versions = Path(found).parents[1] / "versions"  # what is on the PATH may be pyenv's launcher
    candidates = [found, *(str(each) for each in versions.glob(f"{minor}.*/bin/python"))]
    return next((each for each in candidates if _works(each)), None)


def _works(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


PYTHONS = {minor: python for minor in settings.PYTHONS if (python := interpreter(minor))}
"""The interpreters that are here; the tests' own is always one of them."""


@pytest.fixture(scope="session")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all zips."""
    folder = tmp_path_factory.mktemp("zips")
    artifacts.build(folder)
    return folder


@pytest.fixture(scope="session")
def unzipped(zips: Path, tmp_path_factory: pytest.TempPathFactory) -> Unzipped:
    """The folder that a zip is unpacked into, as Lambda does at /var/task."""

    def unpack(target: Target) -> Path:
        path = zips / target.name
        if target.kind == "control-plane" and target.python != artifacts.CONTROL_PLANE_PYTHON:
            path = tmp_path_factory.mktemp("zip") / target.name
            artifacts.make(target, path.parent)
        folder = tmp_path_factory.mktemp("task")
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        return folder

    return cache(unpack)


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Lambda's Python has of its own: boto3 and what it needs, from the environment of the tests."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"):
        found = Path(str(__import__(name).__file__))
        package = found.parent if found.name == "__init__.py" else found
        (folder / package.name).symlink_to(package)
    return folder


def isolated(code: str, *folders: Path, python: str = sys.executable, **environment: str) -> bytes:
    """What code prints in a fresh interpreter without site-packages, with these folders on its path."""
    paths = [str(folder) for folder in folders]
    done = subprocess.run(
        [python, "-I", "-S", "-c", f"import sys; sys.path[:0] = {paths!r}\n{code}"],
        env=environment,
        cwd=folders[0],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Dispatch:
    """A dispatch of one electron on a moto server, as another process sees it."""

    id = "6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11"
    owner = "0123456789abcdef"

    def __init__(self, address: str) -> None:
        self.environment = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "COVALENT_TABLE": "covalent",
            "COVALENT_BUCKET": "covalent-data",
        }
        session = boto3.session.Session("testing", "testing", region_name="us-east-1")
        self._s3 = session.client("s3", endpoint_url=address)
        self._dynamodb = session.client("dynamodb", endpoint_url=address)
        self._s3.create_bucket(Bucket="covalent-data")
        self._dynamodb.create_table(
            TableName="covalent",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def publish(self, function: bytes, python: str = platform.python_version()) -> dict[str, Any]:
        """Store the electron as the control plane would, and return the event that runs it."""
        digest = digest_of(function)
        self._put(keys.asset(self.owner, digest), function)
        sheet = Sheet(0, "electron", function=Ref(digest, len(function)))
        page = Page(self.id, self.id, self.owner, python, {0: sheet})
        self._put(keys.sheets(self.id, 0), dump(page))
        return {"do": "run", "dispatch_id": self.id, "node": 0, "attempt": 0}

    def result(self) -> Any:
        """What the electron returned, once its record says COMPLETED."""
        key = {"pk": {"S": records.dispatch_pk(self.id)}, "sk": {"S": records.node_sk(0)}}
        item = self._dynamodb.get_item(TableName="covalent", Key=key)["Item"]
        assert item["status"]["S"] == "COMPLETED", item
        return pickling.loads(item["output"]["B"])

    def _put(self, key: str, data: bytes) -> None:
        self._s3.put_object(Bucket="covalent-data", Key=key, Body=data)


@pytest.fixture
def dispatch() -> Iterator[Dispatch]:
    """A dispatch on an AWS of its own."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        reset = Request(f"http://{host}:{port}/moto-api/reset", method="POST")
        urlopen(reset).close()
        yield Dispatch(f"http://{host}:{port}")
    finally:
        server.stop()


Write = Callable[[str], Terraform]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing of the user's: neither configuration nor deployments nor credentials."""
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"COVALENT_{name}_DIR", str(tmp_path / name.lower()))
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    reload_config()
    yield tmp_path
    monkeypatch.undo()
    reload_config()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a module into a folder; gives Terraform in it."""
    folder = tmp_path / "terraform"
    folder.mkdir()

    def write_into(text: str) -> Terraform:
        (folder / "main.tf").write_text(text)
        return Terraform.find(folder)

    return write_into
