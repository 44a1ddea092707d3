"""Electrons in Google Cloud's Batch."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.confidential import ElsewhereExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "GCPBatchExecutor"


class GCPBatchExecutor(ElsewhereExecutor):
    """Runs electrons as jobs of Google Cloud's Batch.

    Args:
        project_id: the project.
        region: the region.
        bucket_name: accepted for compatibility: values lie in the deployment's bucket.
        container_image_uri: the image to run in; it needs Python of the workflow's minor version, and nothing else.
        service_account_email: in whose name the job's VM reports and fetches the image.
        vcpus: virtual CPUs; `vcpu` is the same.
        memory: megabytes.
        retries: times to try again when an electron fails.
        time_limit: seconds a job may run.
        poll_freq: seconds between looks at a job, at first; they become rarer.
        cache_dir: accepted for compatibility.
        credentials: the JSON key of a service account that may submit jobs: the absolute path of the file, the text
            itself, or an ARN of AWS Secrets Manager. Offline, without it: whoever the machine is logged in as.
        settings: those of every executor.

    """

    SHORT_NAME = "gcpbatch"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "project_id": None,
            "region": "us-east1",
            "bucket_name": None,
            "container_image_uri": None,
            "service_account_email": None,
            "vcpus": 2,
            "memory": 256,
            "retries": 3,
            "time_limit": 300,
            "poll_freq": 5,
            "cache_dir": "/tmp/covalent",  # noqa: S108  # the documented default; nothing is written there
            "credentials": "",
        }
    )
    _SECRETS = MappingProxyType({"credentials": ("project_id",)})

    def __init__(self, *args: Any, vcpu: int | None = None, **settings: Any) -> None:
        if vcpu is not None:
            settings = {"vcpus": vcpu, **settings}
        super().__init__(*args, **settings)
