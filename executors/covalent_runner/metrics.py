"""How long tries wait and run, as lines that CloudWatch counts: no call is made, and on Lambda alone one is written.

The function's standard output gets it when the try is recorded; what the electron prints is in its record instead.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

NAMESPACE = "Covalent"
METRICS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ElectronRunSeconds": (
            "status",
        ),  # of a try, fetching included; COMPLETED, FAILED, RETRIED
        "ElectronQueueSeconds": (),  # from the end of what it needed last to the first try
    }
)
"""What is measured in seconds, and the dimensions beside `service`, which is `<prefix>-runner`.

The finisher counts electrons and causes of failures. Electrons that need no other one wait as long as their dispatch.
"""
_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
_BEFORE_PYTHON = "-py"
_MICROSECONDS = 1_000_000


def line(
    service: str, dispatch_id: str, ended: int, status: str, values: Mapping[str, float]
) -> str:
    """One event.

    Args:
        service: the deployment.
        dispatch_id: for who looks for it in the log; it is no dimension.
        ended: when, in microseconds since the epoch.
        status: what became of the try.
        values: seconds by metric.

    """
    directives = [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [["service", *METRICS[name]]],
            "Metrics": [{"Name": name, "Unit": "Seconds"}],
        }
        for name in values
    ]
    document = {
        "_aws": {"Timestamp": ended // 1000, "CloudWatchMetrics": directives},
        "service": service,
        "status": status,
        "correlation_id": dispatch_id,
        **values,
    }
    return json.dumps(document, separators=(",", ":"))


def tell(dispatch_id: str, status: str, began: int, ended: int, ready: int | None) -> None:
    """Write what a try took, if anybody counts it.

    Args:
        dispatch_id: whose electron it is.
        status: what became of the try.
        began: when it began; times are microseconds since the epoch.
        ended: when it ended.
        ready: when what it needs was there; None if it needs nothing.

    """
    service = _service()
    if service is None:
        return
    values = {"ElectronRunSeconds": _seconds(ended - began)}
    if ready is not None:
        values["ElectronQueueSeconds"] = _seconds(began - ready)
    with suppress(OSError, ValueError):  # the electron may have closed it; the try is recorded
        print(line(service, dispatch_id, ended, status, values), flush=True)  # noqa: T201  # CloudWatch reads it


def _service() -> str | None:
    """Which deployment's runner this is; None outside of Lambda."""
    name = os.environ.get(_FUNCTION, "") if "LAMBDA_TASK_ROOT" in os.environ else ""
    prefix, _, _ = name.rpartition(_BEFORE_PYTHON)
    return prefix or name or None


def _seconds(microseconds: int) -> float:
    """Clocks of two machines may differ a little."""
    return max(0, microseconds) / _MICROSECONDS
