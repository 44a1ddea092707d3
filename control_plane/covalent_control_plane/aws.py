"""Every AWS client that the control plane uses, built once per process and passed to the use cases."""

import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from threading import Lock
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from covalent_control_plane import store
from covalent_control_plane.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_braket.client import BraketClient
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient
    from mypy_boto3_stepfunctions.client import SFNClient

THREADS = 16
"""Calls to S3 or DynamoDB at a time in one process."""


@dataclass(frozen=True, eq=False)
class Aws:
    """The clients. DynamoDB is behind `store`, whose models hold their connection themselves.

    machines: names of machines that were there when this process looked, the one it looked for last at the end.
    """

    settings: Settings
    objects: "S3Client"
    states: "SFNClient"
    threads: ThreadPoolExecutor
    machines: OrderedDict[str, None] = field(default_factory=OrderedDict)

    @cached_property
    def rules(self) -> "EventBridgeClient":
        """EventBridge; built when the first trigger needs it, as those below."""
        return cast("EventBridgeClient", _client("events"))

    @cached_property
    def schedules(self) -> "EventBridgeSchedulerClient":
        """EventBridge Scheduler."""
        return cast("EventBridgeSchedulerClient", _client("scheduler"))

    @cached_property
    def functions(self) -> "LambdaClient":
        """Lambda."""
        return cast("LambdaClient", _client("lambda"))

    @cached_property
    def instances(self) -> "EC2Client":
        """EC2."""
        return cast("EC2Client", _client("ec2"))

    @cached_property
    def hybrid_jobs(self) -> "BraketClient":
        """Braket."""
        return cast("BraketClient", _client("braket"))

    def machine_arn(self, name: str) -> str:
        """The ARN of a state machine of ours."""
        return self._arn("stateMachine", name)

    def execution_arn(self, machine: str, dispatch_id: str) -> str:
        """The ARN of a dispatch's execution."""
        return self._arn("execution", f"{machine}:{dispatch_id}")

    def _arn(self, kind: str, name: str) -> str:
        settings = self.settings
        region = self.states.meta.region_name
        return f"arn:{settings.partition}:states:{region}:{settings.account}:{kind}:{name}"


def _client(service: str) -> object:
    settings = Config(
        connect_timeout=2,
        read_timeout=6,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return botocore.session.get_session().create_client(service, config=settings)


def connect(settings: Settings) -> Aws:
    """Build the clients; endpoint, region and credentials come from the standard AWS environment.

    They are botocore's: importing boto3 as well doubles what the import of the application costs.
    """
    session = botocore.session.get_session()
    # However long AWS is silent, the client shall get our answer: API Gateway waits 29 s.
    retries = Config(
        connect_timeout=2,
        read_timeout=6,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=THREADS,
    )
    # Who calls Step Functions tries again itself.
    hasty = Config(
        connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
    )
    signing = Config(signature_version="s3v4", request_checksum_calculation="when_required")
    store.bind(settings.table, session.get_config_variable("region"))
    return Aws(
        settings=settings,
        objects=cast("S3Client", session.create_client("s3", config=retries.merge(signing))),
        states=cast(
            "SFNClient", session.create_client("stepfunctions", config=retries.merge(hasty))
        ),
        threads=ThreadPoolExecutor(THREADS, thread_name_prefix="covalent-aws"),
    )


_building = Lock()


def aws() -> Aws:
    """The clients of this process."""
    with _building:  # two first requests at once must not build them twice
        return _built()


def forget() -> None:
    """Forget the clients, because the environment names another deployment now."""
    _built.cache_clear()


@cache
def _built() -> Aws:
    return connect(Settings.read(os.environ))
