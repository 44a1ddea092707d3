"""Logs, metrics and traces, through Powertools. On AWS they are on; elsewhere only warnings are printed.

Logs name a dispatch by `correlation_id`. They never hold bodies, addresses or tokens.

Metrics are lines in CloudWatch's embedded format, in the namespace `Covalent`. Every metric has the dimension
`service`, `<prefix>-control-plane`, which tells the deployments of an account apart, and those that METRICS lists.
"""

import os
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from covalent_control_plane.settings import DEFAULT_PREFIX

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

SERVICE = "covalent-control-plane"
"""Who speaks in logs and traces."""
NAMESPACE = "Covalent"
METRICS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "DispatchesRegistered": (),
        "DispatchesStarted": (),
        "DispatchesRestarted": ("outcome",),  # started, waiting, failed
        "DispatchesFinished": ("status",),  # COMPLETED, FAILED, CANCELLED
        "DispatchQueueSeconds": (),  # from the request to start it until its execution was started
        "DispatchRunSeconds": ("status",),  # from started to ended
        "ElectronsFinished": ("executor", "status"),  # NEW_OBJECT: it never came to run
        "ElectronFailures": ("cause",),  # error, time_limit, worker, service, execution
        "InstancesTerminated": (),
        "MachinesDeleted": (),
        "TriggersFired": ("kind",),  # time, cron, bucket, event, watched, manual
    }
)
"""What is measured, and the dimensions beside `service`. Names in `Seconds` are times, all others counts."""


def on_lambda() -> bool:
    """Whether this process is a Lambda function on AWS."""
    return "LAMBDA_TASK_ROOT" in os.environ


@cache
def log() -> Logger:
    """The structured logger. POWERTOOLS_LOG_LEVEL decides the level, if set."""
    chosen = on_lambda() or "POWERTOOLS_LOG_LEVEL" in os.environ
    return Logger(service=SERVICE, level=None if chosen else "WARNING")


@cache
def tracer() -> "Tracer | None":
    """The X-Ray tracer on AWS, with botocore patched; None elsewhere, where importing it costs more than a dispatch."""
    if not on_lambda():
        return None
    from aws_lambda_powertools import Tracer  # noqa: PLC0415  # loads the X-Ray SDK

    return Tracer(service=SERVICE, patch_modules=["botocore"])


def annotate(dispatch_id: str) -> None:
    """Make the current trace findable by dispatch, by a part of our own: Lambda's cannot be written to."""
    active = tracer()
    if active is not None:
        with active.provider.in_subsegment("dispatch") as part:
            part.put_annotation("dispatch_id", dispatch_id)


def count(metric: str, number: int = 1, **dimensions: str) -> None:
    """Count `number` events of a metric of METRICS."""
    _write(metric, MetricUnit.Count, number, dimensions)


def took(metric: str, microseconds: int, **dimensions: str) -> None:
    """Tell how long something took, as a metric of METRICS in seconds."""
    _write(metric, MetricUnit.Seconds, max(0, microseconds) / 1_000_000, dimensions)


def _write(metric: str, unit: MetricUnit, value: float, dimensions: Mapping[str, str]) -> None:
    if set(dimensions) != set(METRICS[metric]):
        raise ValueError(f"{metric} has the dimensions {METRICS[metric]}, not {dimensions}")
    if not on_lambda() or os.environ.get("POWERTOOLS_METRICS_DISABLED", "").lower() == "true":
        return
    prefix = os.environ.get("COVALENT_PREFIX") or DEFAULT_PREFIX
    with single_metric(metric, unit, value, namespace=NAMESPACE) as sample:
        sample.add_dimension("service", f"{prefix}-control-plane")
        for name, text in dimensions.items():
            sample.add_dimension(name, text)
