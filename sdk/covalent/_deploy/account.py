"""What is asked of AWS beside Terraform. The only module of the package that makes a boto3 client."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from covalent._deploy.errors import MissingProgram, NoCredentials
from covalent._deploy.explanation import explain_text
from covalent_step_functions.names import machine_names

if TYPE_CHECKING:
    from boto3.session import Session

EXTRA = "pip install 'covalent-serverless[deploy]'"
_AT_ONCE = 1000
"""Objects that one request may delete."""
_NO_DATA = "sweep/"
"""What the control plane keeps for itself."""
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True)
class Account:
    """An account and region of AWS, and who we are in it."""

    id: str
    region: str
    principal: str
    session: "Session"
    profile: str | None = None

    @classmethod
    def find(cls, region: str | None = None, profile: str | None = None) -> Self:
        """Ask AWS who we are.

        Args:
            region: instead of the configured one.
            profile: of the AWS configuration, instead of the chosen one.

        Raises:
            MissingProgram: boto3 is not installed.
            NoCredentials: there are none, they have expired, or no region is configured.
            DeployError: AWS cannot be asked.

        """
        check_extra()
        from boto3.session import Session  # noqa: PLC0415  # only who deploys has it

        with aws_errors():
            # The AWS command line and Terraform read AWS_REGION, boto3 does not.
            chosen = region or os.environ.get("AWS_REGION")
            session = Session(profile_name=profile, region_name=chosen)
            if not session.region_name:
                raise NoCredentials(
                    "No region is configured.",
                    "Name one with --region, or set AWS_REGION.",
                )
            _check_region(session)
            caller = session.client("sts").get_caller_identity()
        return cls(caller["Account"], session.region_name, caller["Arn"], session, profile)

    @property
    def emulator(self) -> str | None:
        """Where LocalStack answers in AWS's stead; None if AWS itself does."""
        return os.environ.get("AWS_ENDPOINT_URL") or None

    def environment(self) -> dict[str, str | None]:
        """What Terraform must have in its environment to be who we are; None for what it must not have."""
        region: dict[str, str | None] = {
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }
        if self.profile is None:
            return region
        # Terraform would prefer keys to a profile; boto3 does not.
        return {**region, "AWS_PROFILE": self.profile, **dict.fromkeys(_KEYS)}

    def provider(self) -> Mapping[str, Any]:
        """Configuration of Terraform's provider. It refuses to work in another account.

        An emulator has no host name for each bucket.
        """
        paths = {"s3_use_path_style": True} if self.emulator else {}
        return {"aws": {"region": self.region, "allowed_account_ids": [self.id], **paths}}

    def backend(self, bucket: str, key: str) -> Mapping[str, Any] | None:
        """Configuration of a state in S3, encrypted and locked; None if there is no such bucket."""
        region = self.bucket_region(bucket)
        if region is None:
            return None
        place = {"bucket": bucket, "key": key, "region": region}
        paths = {"use_path_style": True} if self.emulator else {}
        return {"s3": {**place, "use_lockfile": True, "encrypt": True, **paths}}

    def bucket_name(self, prefix: str) -> str:
        """The bucket of a deployment."""
        return f"{prefix}-{self.id}-{self.region}"

    def has_bucket(self, name: str) -> bool:
        """Whether a bucket of that name exists, ours or another account's."""
        return self._found("s3", "head_bucket", {"403", "301"}, Bucket=name)

    def has_table(self, name: str) -> bool:
        """Whether a table of that name exists."""
        return self._found("dynamodb", "describe_table", set(), TableName=name)

    def bucket_region(self, name: str) -> str | None:
        """Where a bucket is; None if it does not exist."""
        if not self._found("s3", "head_bucket", {"301"}, Bucket=name):
            return None
        with aws_errors():
            answer = self._client("s3").get_bucket_location(Bucket=name)
        return str(answer.get("LocationConstraint") or "us-east-1")

    def machines(self, prefix: str) -> list[str]:
        """ARNs of the state machines that dispatches have made."""
        ours = machine_names(f"{prefix}-")
        with aws_errors():
            pages = self._client("stepfunctions").get_paginator("list_state_machines").paginate()
            return [
                each["stateMachineArn"]
                for page in pages
                for each in page["stateMachines"]
                if ours.fullmatch(each["name"])
            ]

    def running(self, machines: list[str], most: int) -> list[str]:
        """Names of executions that run, which are ids of dispatches; no more than `most`."""
        return list(islice(self._running(machines), most))

    def delete_machine(self, arn: str) -> None:
        """Delete a state machine; its executions end. One that is gone is fine."""
        with aws_errors():
            self._client("stepfunctions").delete_state_machine(stateMachineArn=arn)

    def delete_rules(self, prefix: str) -> int:
        """Delete the rules of EventBridge that triggers have made; how many there were."""
        ours = re.compile(re.escape(prefix) + "-trigger-[0-9a-f]{24}")
        client = self._client("events")
        with aws_errors():
            pages = client.get_paginator("list_rules").paginate(NamePrefix=f"{prefix}-trigger-")
            names = [rule["Name"] for page in pages for rule in page["Rules"]]
            found = [name for name in names if ours.fullmatch(name)]
            for name in found:
                targets = client.list_targets_by_rule(Rule=name)["Targets"]
                if targets:
                    client.remove_targets(Rule=name, Ids=[each["Id"] for each in targets])
                client.delete_rule(Name=name)
        return len(found)

    def has_data(self, bucket: str) -> bool:
        """Whether dispatches have left anything in a bucket; no if there is no bucket."""
        return any(not each["Key"].startswith(_NO_DATA) for each in self._versions(bucket))

    def empty(self, bucket: str) -> Iterator[int]:
        """Delete all objects of a bucket, with their versions; yields how many so far."""
        total = 0
        client = self._client("s3")
        found = self._versions(bucket)
        while some := list(islice(found, _AT_ONCE)):
            with aws_errors():
                client.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})
            total += len(some)
            yield total

    def unprotect(self, table: str) -> None:
        """Let a table be deleted; one that is gone is fine."""
        client = self._client("dynamodb")
        with aws_errors():
            try:
                client.update_table(TableName=table, DeletionProtectionEnabled=False)
                client.get_waiter("table_exists").wait(TableName=table)
            except client.exceptions.ResourceNotFoundException:
                return

    def _running(self, machines: list[str]) -> Iterator[str]:
        client = self._client("stepfunctions")
        for machine in machines:
            with aws_errors():
                try:
                    answer = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")
                except client.exceptions.StateMachineDoesNotExist:
                    continue
            yield from (each["name"] for each in answer["executions"])

    def _versions(self, bucket: str) -> Iterator[dict[str, str]]:
        client = self._client("s3")
        with aws_errors():
            try:
                for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
                    for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                        yield {"Key": each["Key"], "VersionId": each["VersionId"]}
            except client.exceptions.NoSuchBucket:
                return

    def _found(self, service: str, operation: str, also: set[str], **request: str) -> bool:
        """Whether asking for one thing finds it; codes in `also` say that it is there."""
        from botocore.exceptions import ClientError  # noqa: PLC0415  # only who deploys has it

        with aws_errors():
            try:
                getattr(self._client(service), operation)(**request)
            except ClientError as exc:
                code = exc.response["Error"]["Code"]
                if code in {"404", "NoSuchBucket", "ResourceNotFoundException"}:
                    return False
                if code not in also:
                    raise
        return True

    def _client(self, service: str) -> Any:
        """A client that waits where AWS grants few calls a second."""
        from botocore.config import Config  # noqa: PLC0415  # only who deploys has it

        config = Config(retries={"mode": "adaptive", "max_attempts": 10})
        make: Any = self.session.client  # the stubs want to know the service
        return make(service, config=config)


def check_extra() -> None:
    """See that what deploying needs is installed.

    Raises:
        MissingProgram: it is not.

    """
    if find_spec("boto3") is None:
        raise MissingProgram("Deploying needs boto3, which is not installed here.", EXTRA)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn what botocore raises into our errors."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # as above

    try:
        yield
    except (BotoCoreError, ClientError) as exc:
        raise explain_text(str(exc)) from exc


def _check_region(session: "Session") -> None:
    """A name that is no region would only show as a host that does not answer."""
    name = str(session.region_name)
    partitions = session.get_available_partitions()
    known = {
        region
        for partition in partitions
        for region in session.get_available_regions("sts", partition_name=partition)
    }
    if name not in known and not re.fullmatch(r"[a-z]{2,3}(-[a-z]+)+-\d+", name):
        raise NoCredentials(f"{name} is not a region of AWS.", "Name one with --region.")
