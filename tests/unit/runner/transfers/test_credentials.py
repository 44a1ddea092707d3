"""Secrets are read where they are kept, and kept nowhere else."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.errors import TransferFailed


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with mock_aws():
        yield boto3.session.Session().client("secretsmanager", region_name="eu-north-1")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("hidden")
    assert Secret(str(path)).text() == "hidden"
    with Secret(str(path)).file() as found:
        assert found == path
    assert path.exists()


def test_an_arn_tells_the_region(secrets: Any) -> None:
    arn = secrets.create_secret(Name="key", SecretString="hidden")["ARN"]
    assert Secret(arn).text() == "hidden"
    with Secret(arn).file() as found:
        assert found.read_text() == "hidden\n"
        assert stat.S_IMODE(found.stat().st_mode) == 0o600
        assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    assert not found.parent.exists()


def test_what_is_not_there_tells_where_to_keep_it(tmp_path: Path, secrets: Any) -> None:
    with pytest.raises(TransferFailed, match=r"nosuch cannot be read.*Secrets Manager.*ARN"):
        Secret(str(tmp_path / "nosuch")).text()
    arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:nosuch"
    with pytest.raises(TransferFailed, match=r"secret:nosuch cannot be read.*GetSecretValue"):
        Secret(arn).text()


def test_a_binary_secret_is_refused(secrets: Any) -> None:
    arn = secrets.create_secret(Name="key", SecretBinary=b"\0")["ARN"]
    with pytest.raises(TransferFailed, match="binary"):
        Secret(arn).text()
