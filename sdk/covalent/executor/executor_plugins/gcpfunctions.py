"""Electrons in a function of Google Cloud."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.confidential import ElsewhereExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "GCPFunctionsExecutor"


class GCPFunctionsExecutor(ElsewhereExecutor):
    """Runs electrons in a Cloud Run function that our code was deployed as (docs/executors/gcpfunctions.md).

    Args:
        project_id: the project.
        region: the region of function and queue.
        function_name: the function.
        queue_name: the queue of Cloud Tasks through which it is called.
        service_account_email: in whose name Cloud Tasks calls it.
        retries: times to try again when an electron fails.
        time_limit: seconds an electron may run; at most 1800, as Cloud Tasks has it.
        poll_freq: seconds between looks at an electron, at first; they become rarer.
        credentials: the JSON key of a service account that may enqueue: the absolute path of the file, the text itself,
            or an ARN of AWS Secrets Manager. Offline, without it: whoever the machine is logged in as.
        settings: those of every executor.

    """

    SHORT_NAME = "gcpfunctions"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "project_id": None,
            "region": "us-east1",
            "function_name": "covalent-electron",
            "queue_name": "covalent",
            "service_account_email": None,
            "retries": 3,
            "time_limit": 300,
            "poll_freq": 5,
            "credentials": "",
        }
    )
    _SECRETS = MappingProxyType({"credentials": ("project_id",)})
