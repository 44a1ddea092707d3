"""A deployment from apply to destroy on a moto server of its own, and what was seen on the way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

REGION = "us-east-1"
VARIABLES = {"artifacts": "../../tests/artifacts", "protect": "false"}
WATCHED = "pictures"
"""A bucket that is not the deployment's, for the example that has a variable for it."""
LONGEST = 400.0
"""Seconds for one command of Terraform. A request that moto does not know is tried again for many minutes."""

PROVIDER = {
    "provider": {
        "aws": {
            "region": REGION,
            "access_key": "test",
            "secret_key": "test",
            "s3_use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
        }
    }
}
"""What makes the provider talk to moto; the address is in the environment."""


@dataclass(frozen=True)
class Change:
    """An attribute that Terraform would change right after it has applied."""

    type: str
    attribute: str
    address: str


@dataclass(frozen=True)
class Cycle:
    """What was seen.

    plan is the first one, as JSON. resources are the types by address. shape is what the bucket and the table are
    like. left is what a list of everything still shows after the destruction.
    """

    plan: str
    resources: Mapping[str, str]
    outputs: Mapping[str, Any]
    drift: frozenset[Change]
    shape: Mapping[str, Any]
    left: Mapping[str, list[str]]
    apply_seconds: float
    destroy_seconds: float


class Terraform:
    """Terraform in a folder, with a provider that talks to an endpoint if there is one."""

    def __init__(self, folder: Path, endpoint: str = "") -> None:
        self.folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if endpoint:
            self._environment["AWS_ENDPOINT_URL"] = endpoint
            self._environment["TF_VAR_trigger_buckets"] = json.dumps([WATCHED])

    def __call__(self, *words: str, ok: tuple[int, ...] = (0,)) -> str:
        """Run a command and return what it prints.

        Raises:
            AssertionError: it ended with another code.
            subprocess.TimeoutExpired: it did not end.

        """
        done = subprocess.run(
            ["terraform", *words],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        said = f"terraform {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode in ok, said[-8000:]
        return done.stdout

    def change(self, command: str) -> float:
        """Apply or destroy, and tell how many seconds that took."""
        began = time.monotonic()
        self(command, "-auto-approve", "-no-color", "-parallelism=40", *_variables())
        return time.monotonic() - began

    def planned(self) -> str:
        """What it would do now, as JSON."""
        plan = self.folder / "deployment.tfplan"
        self("plan", f"-out={plan}", "-detailed-exitcode", *_variables(), ok=(0, 2))
        return self("show", "-json", str(plan))

    def drift(self) -> frozenset[Change]:
        """What it would change now."""
        return frozenset(_changes(json.loads(self.planned())))

    def resources(self) -> dict[str, str]:
        """Type by address of what is in the state."""
        document = json.loads(self("show", "-json"))
        root = document.get("values", {}).get("root_module", {})
        return {each["address"]: each["type"] for each in _all(root) if each["mode"] == "managed"}

    def outputs(self) -> dict[str, Any]:
        """Values of the outputs."""
        document = json.loads(self("output", "-json"))
        return {name: each["value"] for name, each in document.items()}


def copied(source: Path, folder: Path) -> Path:
    """A copy of the Terraform folder, so that nothing is written beside the sources."""
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfplan")
    return Path(shutil.copytree(source, folder / "terraform", ignore=ignored))


def run(example: Path) -> Cycle:
    """Apply an example, look at it, and destroy it."""
    (example / "offline.tf.json").write_text(json.dumps(PROVIDER))
    with moto_server() as endpoint:
        clients = _Clients(endpoint)
        clients("s3").create_bucket(Bucket=WATCHED)
        before = clients.everything()
        terraform = Terraform(example, endpoint)
        terraform("init", "-no-color")
        plan = terraform.planned()
        applied = terraform.change("apply")
        resources, outputs = terraform.resources(), terraform.outputs()
        shape = clients.shape(outputs["bucket"], outputs["table"])
        drift = terraform.drift()
        destroyed = terraform.change("destroy")
        after = clients.everything()
        left = {kind: sorted(set(names) - set(before[kind])) for kind, names in after.items()}
        left["state"] = sorted(terraform.resources())
        return Cycle(plan, resources, outputs, drift, shape, left, applied, destroyed)


@contextmanager
def moto_server() -> Iterator[str]:
    """A moto server in a process of its own; its address."""
    script = Path(__file__).with_name("moto_server.py")
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "the moto server did not start: run tests/terraform/moto_server.py to see why"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Clients:
    """Clients of the moto server."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._session = boto3.session.Session("test", "test", region_name=REGION)

    def __call__(self, service: Any) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint)

    def shape(self, bucket: str, table: str) -> dict[str, Any]:
        """What bucket and table are like."""
        described = self("dynamodb").describe_table(TableName=table)["Table"]
        found = self("s3").get_bucket_location(Bucket=bucket)
        return {
            "keys": _pairs(described["KeySchema"]),
            "types": {
                each["AttributeName"]: each["AttributeType"]
                for each in described["AttributeDefinitions"]
            },
            "indexes": {
                each["IndexName"]: (_pairs(each["KeySchema"]), each["Projection"]["ProjectionType"])
                for each in described["GlobalSecondaryIndexes"]
            },
            "billing": described["BillingModeSummary"]["BillingMode"],
            "location": found["LocationConstraint"],
        }

    def everything(self) -> dict[str, list[str]]:
        """Names of all there is of the kinds that a deployment makes."""
        return {
            "buckets": [each["Name"] for each in self("s3").list_buckets()["Buckets"]],
            "tables": self("dynamodb").list_tables()["TableNames"],
            "functions": [
                each["FunctionName"] for each in self("lambda").list_functions()["Functions"]
            ],
            "roles": [each["RoleName"] for each in self("iam").list_roles()["Roles"]],
            "logs": [
                each["logGroupName"] for each in self("logs").describe_log_groups()["logGroups"]
            ],
            "log policies": [
                each["policyName"]
                for each in self("logs").describe_resource_policies()["resourcePolicies"]
            ],
            "queues": self("sqs").list_queues().get("QueueUrls", []),
            "topics": [each["TopicArn"] for each in self("sns").list_topics()["Topics"]],
            "rules": [each["Name"] for each in self("events").list_rules()["Rules"]],
            "apis": [each["name"] for each in self("apigateway").get_rest_apis()["items"]],
            "alarms": [
                each["AlarmName"] for each in self("cloudwatch").describe_alarms()["MetricAlarms"]
            ],
            "dashboards": [
                each["DashboardName"]
                for each in self("cloudwatch").list_dashboards()["DashboardEntries"]
            ],
            **self._of_executors(),
            "gateway": [
                role for role in [self("apigateway").get_account().get("cloudwatchRoleArn")] if role
            ],
            "keys": list(self._keys()),
        }

    def _of_executors(self) -> dict[str, list[str]]:
        """What is there only for executors. Definitions are not deleted at AWS, they become inactive."""
        ec2, batch, ecs = self("ec2"), self("batch"), self("ecs")
        return {
            "networks": [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"]],
            "groups": [
                each["GroupName"] for each in ec2.describe_security_groups()["SecurityGroups"]
            ],
            "templates": [
                each["LaunchTemplateName"]
                for each in ec2.describe_launch_templates()["LaunchTemplates"]
            ],
            "profiles": [
                each["InstanceProfileName"]
                for each in self("iam").list_instance_profiles()["InstanceProfiles"]
            ],
            "images": [
                each["repositoryName"]
                for each in self("ecr").describe_repositories()["repositories"]
            ],
            "machines": [
                each["computeEnvironmentName"]
                for each in batch.describe_compute_environments()["computeEnvironments"]
            ],
            "job queues": [
                each["jobQueueName"] for each in batch.describe_job_queues()["jobQueues"]
            ],
            "jobs": [
                each["jobDefinitionName"]
                for each in batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
            ],
            # moto keeps deleted ones, and does not delete those that it makes for Batch.
            "clusters": [
                each["clusterName"]
                for each in ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])[
                    "clusters"
                ]
                if each["status"] == "ACTIVE" and "_Batch_" not in each["clusterName"]
            ],
            "tasks": ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"],
        }

    def _keys(self) -> Iterator[str]:
        """Keys of users: not those of AWS's own. AWS deletes a key after a week at the earliest."""
        client = self("kms")
        aliases = client.list_aliases()["Aliases"]
        of_aws = {
            each.get("TargetKeyId")
            for each in aliases
            if each["AliasName"].startswith("alias/aws/")
        }
        for key in {each["KeyId"] for each in client.list_keys()["Keys"]} - of_aws:
            found = client.describe_key(KeyId=key)["KeyMetadata"]
            if found["KeyState"] != "PendingDeletion":
                yield f"{key} {found['Description']}"


def _pairs(schema: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(each["AttributeName"], each["KeyType"]) for each in schema]


def _variables() -> Iterator[str]:
    return (f"-var={name}={value}" for name, value in VARIABLES.items())


def _all(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _all(child)


def _changes(plan: Mapping[str, Any]) -> Iterator[Change]:
    for each in plan.get("resource_changes", ()):
        before, after = each["change"]["before"] or {}, each["change"]["after"] or {}
        if each["mode"] != "managed" or each["change"]["actions"] == ["no-op"]:
            continue
        unknown = each["change"]["after_unknown"] or {}
        for name in sorted({*before, *after, *unknown}):
            if before.get(name) != after.get(name):
                yield Change(each["type"], name, each["address"])
