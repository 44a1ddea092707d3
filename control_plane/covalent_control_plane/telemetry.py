"""Logs, metrics and traces, through Powertools. On AWS they are on; elsewhere only warnings are printed.

Logs name a dispatch by `correlation_id`. They never hold bodies, addresses or tokens.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

SERVICE = "covalent-control-plane"
NAMESPACE = "Covalent"


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


def count(metric: str, **dimensions: str) -> None:
    """Count one event: `DispatchesRegistered`, `DispatchesStarted`, `DispatchesFinished`, `MachinesDeleted`."""
    if not on_lambda() or os.environ.get("POWERTOOLS_METRICS_DISABLED", "").lower() == "true":
        return
    with single_metric(metric, MetricUnit.Count, 1, namespace=NAMESPACE) as sample:
        sample.add_dimension("service", SERVICE)
        for name, value in dimensions.items():
            sample.add_dimension(name, value)
