"""The names of the offline deployment, and the environment its processes see."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from covalent_contracts.ticket import TICKETS

ACCOUNT = "123456789012"
REGION = "us-east-1"
TABLE = "covalent"
BUCKET = "covalent-local"
PREFIX = "covalent"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
RUNNER = f"covalent-runner-py{PYTHON.replace('.', '')}"
RUNNER_HANDLER = "covalent_runner.lambda_handler.handler"
FINISHER = "covalent-finisher"
FINISHER_HANDLER = "covalent_control_plane.application.finish"
ADOPTER = "covalent-adopt"
ADOPTER_HANDLER = "covalent_control_plane.application.adopt"
FIRE = "covalent-fire"
FIRE_HANDLER = "covalent_control_plane.application.fire"
ANSWER = "covalent-answer"
ANSWER_HANDLER = "covalent_control_plane.application.answer"
INSTANCE_PROFILE = "covalent-instance"
BRIDGE = "covalent-bridge"
BRIDGE_HANDLER = "covalent_bridge.handler.handler"
SCHEDULES = "covalent-triggers"
SCHEDULER_ROLE = "covalent-scheduler"
TICKER_ROLE = "covalent-ticker"
MACHINE_ROLE = "covalent-machine"
FUNCTION_ROLE = "covalent-function"
ELECTRON_ROLE = "covalent-electron"
"""The role that user code has."""
JOBS = "covalent-electrons"
"""What queue, cluster and definitions of the deployment are called."""


def role_arn(name: str) -> str:
    """The ARN of a role of the offline account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def of_triggers() -> dict[str, str]:
    """What the control plane reads of triggers; without it nothing is watched."""
    names = {
        "function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FIRE}",
        "schedules": SCHEDULES,
        "scheduler_role": role_arn(SCHEDULER_ROLE),
        "ticker_role": role_arn(TICKER_ROLE),
    }
    return {"COVALENT_TRIGGERS": json.dumps(names)}


def of_callbacks() -> dict[str, str]:
    """What the control plane reads of EC2 and Braket. Python finds the runner without fetching it."""
    of_runner = {"COVALENT_TABLE": TABLE, "COVALENT_BUCKET": BUCKET}
    ec2 = {
        "profile": INSTANCE_PROFILE,
        "images": {"x86_64": "ami-covalent", "arm64": "ami-covalent"},
        "environment": of_runner,
        "heartbeat": 15,
    }
    braket = {
        "role": role_arn(FUNCTION_ROLE),
        "bucket": BUCKET,
        "program": f"s3://{BUCKET}/programs/runner.tar.gz",
        "registry": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        "other_roles": ["*"],
        "environment": of_runner,
    }
    return {"COVALENT_EC2": json.dumps(ec2), "COVALENT_BRAKET": json.dumps(braket)}


def of_executors() -> dict[str, str]:
    """What the control plane reads of Batch and ECS."""
    offered: dict[str, Any] = {"definitions": {PYTHON: JOBS}, "is_emulated": True}
    batch = {"queue": JOBS, "gpu_queue": JOBS, **offered}
    network = {"subnets": ["subnet-covalent"], "security_groups": ["sg-covalent"]}
    ecs = {"cluster": JOBS, **network, **offered}
    return {"COVALENT_BATCH": json.dumps(batch), "COVALENT_ECS": json.dumps(ecs)}


def variables(address: str, token: str) -> dict[str, str]:
    """What the control plane, the runner and boto3 read from their environment."""
    return {
        "COVALENT_TABLE": TABLE,
        "COVALENT_BUCKET": BUCKET,
        "COVALENT_RUNNERS": json.dumps({PYTHON: RUNNER}),
        "COVALENT_MACHINE_ROLE": role_arn(MACHINE_ROLE),
        **of_callbacks(),
        **of_executors(),
        "COVALENT_PREFIX": PREFIX,
        "COVALENT_BRIDGE": BRIDGE,
        "COVALENT_BRIDGE_READS_FILES": "true",
        "COVALENT_TICKETS": f"{address}{TICKETS}",
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": token,
        "AWS_SECRET_ACCESS_KEY": token,
        "AWS_SESSION_TOKEN": "",
        "AWS_PROFILE": "",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "2",
        "COVALENT_WATCH_SECONDS": "0.3",
        "POWERTOOLS_SERVICE_NAME": "covalent",
        "POWERTOOLS_METRICS_NAMESPACE": "covalent",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_LOG_LEVEL": "WARNING",
        # moto looks the account up by access key on every request unless it is told.
        "MOTO_ACCOUNT_ID": ACCOUNT,
        "MOTO_PORT": address.rpartition(":")[2],
    }


@contextmanager
def applied(settings: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables of this process; an empty value unsets; put back what was there."""
    before = {name: os.environ.get(name) for name in settings}
    for name, value in settings.items():
        _set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            _set(name, old)


def _set(name: str, value: str | None) -> None:
    if value:
        os.environ[name] = value
    else:
        os.environ.pop(name, None)


def of_workers(settings: Mapping[str, str], work_dir: Path) -> dict[str, str]:
    """The environment of worker processes: the user's own, and `settings`; electrons work below `work_dir`."""
    own = {
        "COVALENT_WORK_DIR": str(work_dir),
        "COVALENT_ELECTRON_ROLE": role_arn(ELECTRON_ROLE),
    }
    merged = {**os.environ, **settings, **own}
    return {name: value for name, value in merged.items() if value}


def of_containers(workers: Mapping[str, str]) -> dict[str, str]:
    """The environment of jobs and tasks: as workers have it. User code has no role of its own there."""
    return {name: value for name, value in workers.items() if name != "COVALENT_ELECTRON_ROLE"}
