"""What is asked of AWS, on moto."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from covalent._deploy import account
from covalent._deploy.account import Account
from covalent._deploy.errors import MissingProgram, NoCredentials

REGION = "eu-west-1"
DEFINITION = '{"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}'
HEX = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Account.find(REGION)


def test_who_we_are(aws: Account) -> None:
    assert (aws.id, aws.region) == ("123456789012", REGION)
    assert aws.principal.startswith("arn:aws:sts::123456789012:")
    assert aws.bucket_name("lab") == "lab-123456789012-eu-west-1"


def test_what_terraform_gets(aws: Account) -> None:
    assert aws.environment() == {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    assert aws.provider() == {"aws": {"region": REGION, "allowed_account_ids": ["123456789012"]}}


def test_a_profile_wins_over_keys(aws: Account) -> None:
    environment = Account(aws.id, REGION, aws.principal, aws.session, "work").environment()
    assert environment["AWS_PROFILE"] == "work"
    assert environment["AWS_ACCESS_KEY_ID"] is None


def test_an_emulator_has_paths_for_buckets(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert aws.provider()["aws"]["s3_use_path_style"] is True


@pytest.mark.usefixtures("aws")
def test_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    with pytest.raises(NoCredentials, match="No region is configured"):
        Account.find()
    with pytest.raises(NoCredentials, match="frankfurt is not a region"):
        Account.find("frankfurt")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert Account.find().region == "us-west-2"
    assert Account.find(REGION).region == REGION
    assert Account.find("eu-nowhere-9").region == "eu-nowhere-9"  # newer than our botocore


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoCredentials, match="There are no credentials") as error:
        Account.find(REGION)
    assert "aws configure" in error.value.cure


def test_no_such_profile() -> None:
    with pytest.raises(NoCredentials, match="There is no AWS profile nosuch"):
        Account.find(REGION, "nosuch")


def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "find_spec", lambda _: None)
    with pytest.raises(MissingProgram) as error:
        Account.find(REGION)
    assert error.value.cure == "pip install 'covalent-serverless[deploy]'"


def test_names_that_are_taken(aws: Account) -> None:
    assert not aws.has_bucket("lab")
    assert not aws.has_table("lab")
    make_bucket("lab", "us-west-2")
    make_table("lab")
    assert aws.has_bucket("lab")
    assert aws.has_table("lab")
    assert aws.bucket_region("lab") == "us-west-2"
    assert aws.bucket_region("other") is None


def test_the_state_in_s3_is_locked_and_encrypted(aws: Account) -> None:
    assert aws.backend("states", "key") is None
    make_bucket("states", "us-west-2")
    place = {"bucket": "states", "key": "key", "region": "us-west-2"}
    expected = {**place, "use_lockfile": True, "encrypt": True}
    assert aws.backend("states", "key") == {"s3": expected}


def test_machines_of_this_deployment_only(aws: Account) -> None:
    for name in (f"lab-{HEX}", f"lab-test-{HEX}", "lab-by-hand", f"other-{HEX}"):
        make_machine(name)
    (machine,) = aws.machines("lab")
    assert machine.endswith(f":lab-{HEX}")
    aws.delete_machine(machine)
    aws.delete_machine(machine)
    assert aws.machines("lab") == []
    assert len(aws.machines("lab-test")) == 1


def test_rules_of_triggers_of_this_deployment_only(aws: Account) -> None:
    events = boto3.client("events", REGION)
    digits = "0" * 24
    names = {f"lab-trigger-{digits}", f"lab-trigger-trigger-{digits}", "lab-finish"}
    for name in names:
        events.put_rule(Name=name, EventPattern='{"source": ["me"]}')
    target: Any = {"Id": "fire", "Arn": f"arn:aws:lambda:{REGION}:123456789012:function:f"}
    events.put_targets(Rule=f"lab-trigger-{digits}", Targets=[target])
    assert aws.delete_rules("lab") == 1
    left = {rule["Name"] for rule in events.list_rules()["Rules"]}
    assert left == names - {f"lab-trigger-{digits}"}
    assert aws.delete_rules("lab") == 0


def test_what_runs(aws: Account) -> None:
    machine = make_machine(f"lab-{HEX}")
    assert aws.running([machine, machine.replace("lab", "gone")], 5) == []
    for name in ("one", "two", "three"):
        boto3.client("stepfunctions", REGION).start_execution(stateMachineArn=machine, name=name)
    assert set(aws.running([machine], 5)) == {"one", "two", "three"}
    assert len(aws.running([machine], 2)) == 2


def test_data_of_a_bucket(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "_AT_ONCE", 2)
    assert not aws.has_data("lab")
    assert list(aws.empty("lab")) == []
    s3 = make_bucket("lab", REGION)
    s3.put_bucket_versioning(Bucket="lab", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="lab", Key="sweep/machines.json", Body=b"{}")
    assert not aws.has_data("lab")
    for body in (b"1", b"2"):
        s3.put_object(Bucket="lab", Key="assets/x", Body=body)
    s3.delete_object(Bucket="lab", Key="assets/x")
    assert aws.has_data("lab")
    assert list(aws.empty("lab")) == [2, 4]
    s3.delete_bucket(Bucket="lab")


def test_a_table_can_be_deleted_afterwards(aws: Account) -> None:
    aws.unprotect("lab")
    make_table("lab", protected=True)
    client = boto3.client("dynamodb", REGION)
    with pytest.raises(client.exceptions.ClientError):
        client.delete_table(TableName="lab")
    aws.unprotect("lab")
    client.delete_table(TableName="lab")


def make_bucket(name: str, region: str) -> Any:
    client: Any = boto3.client("s3", region)
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    return client


def make_table(name: str, *, protected: bool = False) -> None:
    boto3.client("dynamodb", REGION).create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=protected,
    )


def make_machine(name: str) -> str:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam = boto3.client("iam", REGION)
    if not iam.list_roles()["Roles"]:
        iam.create_role(RoleName="machine", AssumeRolePolicyDocument=trust)
    made = boto3.client("stepfunctions", REGION).create_state_machine(
        name=name, definition=DEFINITION, roleArn="arn:aws:iam::123456789012:role/machine"
    )
    return made["stateMachineArn"]
