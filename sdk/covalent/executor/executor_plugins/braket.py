"""Electrons in hybrid jobs of Amazon Braket."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.dispatched import DispatchedExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "BraketExecutor"


class BraketExecutor(DispatchedExecutor):
    """Runs each electron as a hybrid job of Amazon Braket, with priority on a quantum device.

    In the electron the variables of a hybrid job are there: `AMZN_BRAKET_DEVICE_ARN`, `AMZN_BRAKET_OUT_S3_BUCKET`,
    `AMZN_BRAKET_TASK_RESULTS_S3_URI` and the others.

    Args:
        s3_bucket_name: bucket for what Braket keeps of jobs and quantum tasks; that of the deployment if not set.
        ecr_image_uri: container image of the job; that of the deployment, or Braket's own, if empty.
        ecr_repo_name: instead of it, a repository of the deployment's registry that has one with the tag `stable`.
        braket_job_execution_role_name: role of the job; that of the deployment if not set.
        quantum_device: ARN of the quantum device, or `local:<provider>/<simulator>`.
        classical_device: type of the machine that the electron runs on.
        storage: GB of its disk.
        time_limit: seconds that an electron may run; what a job waits for its device does not count.
        poll_freq: accepted for compatibility: nothing is polled, Step Functions is told.
        profile: the profile of AWS on the user's own machine.
        credentials: the file that it is in.
        region: accepted for compatibility: jobs run in the region of the deployment.
        cache_dir: accepted for compatibility: nothing is cached.
        settings: those of every executor.

    """

    SHORT_NAME = "braket"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "credentials": "~/.aws/credentials",
            "braket_job_execution_role_name": "CovalentBraketJobsExecutionRole",
            "profile": "default",
            "region": "",
            "s3_bucket_name": "amazon-braket-covalent-job-resources",
            "ecr_image_uri": "",
            "ecr_repo_name": "",
            "quantum_device": "arn:aws:braket:::device/quantum-simulator/amazon/sv1",
            "classical_device": "ml.m5.large",
            "storage": 30,
            "time_limit": 300,
            "poll_freq": 30,
            "cache_dir": "/tmp/covalent",  # noqa: S108  # the documented default; nothing is put there
        }
    )
