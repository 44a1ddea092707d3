"""`covalent secret put` against moto's Secrets Manager."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

import covalent as ct
from covalent._cli.main import cli

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nd0n0ttell\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Secrets Manager of the region of a profile `lab`, whose prefix is `lab-1`."""
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    ct.reload_config()
    address = "https://abc.execute-api.eu-central-1.amazonaws.com/covalent"
    ct.set_config("profiles.lab", {"address": address, "prefix": "lab-1"})
    with mock_aws():
        yield boto3.session.Session().client("secretsmanager", region_name="eu-central-1")


def run(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["secret", "put", *words, "--profile", "lab"], input=given)


def test_a_key_file_is_stored_and_its_arn_is_all_that_is_told(aws: Any, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    result = run("hpc", "--file", str(tmp_path / "key"))
    assert result.exit_code == 0, result.output
    found = aws.get_secret_value(SecretId="lab-1/hpc")
    assert found["SecretString"] == KEY
    assert result.output == f"{found['ARN']}\n"


def test_a_password_from_stdin_loses_the_end_of_its_line(aws: Any) -> None:
    assert run("azure", given="s3cret\n").exit_code == 0
    assert aws.get_secret_value(SecretId="lab-1/azure")["SecretString"] == "s3cret"


def test_a_second_one_takes_the_place_of_the_first(aws: Any) -> None:
    first, second = run("twice", given="one").output, run("twice", given="two").output
    assert first == second
    assert aws.get_secret_value(SecretId="lab-1/twice")["SecretString"] == "two"


def test_one_that_was_deleted_comes_back(aws: Any) -> None:
    arn = run("back", given="one").output
    aws.delete_secret(SecretId="lab-1/back", RecoveryWindowInDays=7)
    assert run("back", given="two").output == arn
    assert aws.get_secret_value(SecretId="lab-1/back")["SecretString"] == "two"


@pytest.mark.parametrize(
    ("words", "given", "told"),
    [
        (["a b"], "x", "cannot be the name of a secret"),
        (["empty"], "\n", "there is nothing in"),
        (["long"], "x" * 65_537, "65536 bytes, not more"),
        (["public"], "ssh-ed25519 AAAAC3Nza user@host\n", "the public half of a key"),
        (["missing", "--file", "/nosuch/key"], None, "/nosuch/key cannot be read: No such file"),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_what_cannot_be_a_secret(aws: Any, words: list[str], given: str | None, told: str) -> None:
    result = run(*words, given=given)
    assert result.exit_code != 0
    assert told in result.output
    assert aws.list_secrets()["SecretList"] == []


def test_bytes_are_refused(aws: Any, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    assert "is not text" in run("bytes", "--file", str(tmp_path / "key")).output


def test_without_credentials_it_says_how_to_get_some(
    aws: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "nosuch"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "nosuch"))
    result = run("anon", given="d0n0ttell")
    assert result.exit_code == 1
    assert "aws configure" in result.output
    assert "d0n0ttell" not in result.output


def test_whoever_may_not_is_told_what_is_needed(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

    def refuse(self: Any, operation: str, parameters: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    result = run("denied", given="d0n0ttell")
    assert (
        "does not let you store lab-1/denied: you need secretsmanager:CreateSecret" in result.output
    )
    assert "d0n0ttell" not in result.output


def test_help_loads_nothing_of_aws() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from covalent._cli.main import cli;"
        "CliRunner().invoke(cli, ['secret', 'put', '-h']);"
        "print([m for m in sys.modules if m.startswith(('boto', 'httpx'))])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\n"
