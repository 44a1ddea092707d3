"""`covalent` against a LocalStack, as a user's shell would call it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.localstack.running import REGION, Aws

PREFIX = "e2e"
SECONDS = 900
ACCOUNT = "000000000000"


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long something took."""
    began = time.monotonic()
    yield
    print(f"{what:<40} {time.monotonic() - began:7.1f} s")


def run(*command: str, environment: Mapping[str, str], codes: tuple[int, ...] = (0,)) -> str:
    """Run a command and return what it printed; any other exit code than `codes` fails the test."""
    done = subprocess.run(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode in codes, f"{' '.join(command)}\n{done.stdout[-6000:]}"
    return done.stdout


@dataclass(frozen=True)
class Covalent:
    """The command, and the environment of a user who has chosen the deployment's profile."""

    environment: Mapping[str, str]

    def __call__(self, *words: str) -> str:
        """Run it; what it prints is shown, with the time that it took, and returned."""
        with timed(f"covalent {' '.join(words[:2])}"):
            command = str(Path(sys.executable).with_name("covalent"))
            output = run(command, *words, environment=self.environment)
        print(output)
        return output

    def deploy(self, verb: str, *words: str) -> str:
        """A command about the deployment."""
        return self("deploy", verb, "--prefix", PREFIX, *words)

    @property
    def workspace(self) -> Path:
        """Where Terraform works."""
        data = Path(self.environment["COVALENT_DATA_DIR"])
        return data / "deployments" / ACCOUNT / REGION / PREFIX

    def resources(self) -> list[str]:
        """The addresses of what Terraform has made."""
        where = f"-chdir={self.workspace}"
        listed = run("terraform", where, "state", "list", environment=self.environment).split()
        return [address for address in listed if ".data." not in address]

    def configuration(self) -> str:
        """The SDK's config file, which has the profiles."""
        return (Path(self.environment["COVALENT_CONFIG_DIR"]) / "covalent.conf").read_text()


def client_environment(base: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment of the `covalent` command and of the SDK, with folders of the tests' own."""
    names = ("CONFIG_DIR", "DATA_DIR", "CACHE_DIR", "LOGDIR", "RESULTS_DIR")
    own = {f"COVALENT_{name}": str(folder / name.lower()) for name in names}
    paths = {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "COLUMNS": "120"}
    return {**base, **own, **paths, "COVALENT_PROFILE": PREFIX}


def machines(aws: Aws) -> list[str]:
    """The ARNs of the deployment's state machines."""
    listed = aws.client("stepfunctions").list_state_machines()["stateMachines"]
    return [each["stateMachineArn"] for each in listed if each["name"].startswith(f"{PREFIX}-")]


def leftovers(aws: Aws) -> list[str]:
    """Names of things of the deployment that are still there."""
    functions = aws.client("lambda").list_functions()["Functions"]
    roles = aws.client("iam").list_roles()["Roles"]
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    schedules = aws.client("scheduler")
    names = [
        *(each["FunctionName"] for each in functions),
        *(each["RoleName"] for each in roles),
        *(each["logGroupName"] for each in groups),
        *(each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]),
        *(each["name"] for each in aws.client("apigateway").get_rest_apis()["items"]),
        *(each["Name"] for each in aws.client("events").list_rules()["Rules"]),
        *(each["Name"] for each in schedules.list_schedule_groups()["ScheduleGroups"]),
        *(each["GroupName"] for each in schedules.list_schedules()["Schedules"]),
        *machines(aws),
        *aws.client("dynamodb").list_tables()["TableNames"],
        *aws.client("sqs").list_queues().get("QueueUrls", []),
    ]
    return [name for name in names if PREFIX in name]
