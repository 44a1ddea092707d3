"""One hybrid job of Amazon Braket: its process, its states, and what it finds in its environment.

https://docs.aws.amazon.com/braket/latest/developerguide/braket-jobs-concepts.html
"""

import json
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from covalent_localstack import events, programs, threads
from covalent_localstack.environment import ACCOUNT, REGION
from covalent_localstack.programs import OUT_OF_TIME, Exit, Program

Json = dict[str, Any]
_FINAL = ("COMPLETED", "FAILED", "CANCELLED")
_CANCELLED = "the job was cancelled"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Job:
    """A job, from its creation on.

    Args:
        request: that of CreateJob.

    """

    def __init__(self, request: Json) -> None:
        self.request = request
        self.arn = f"arn:aws:braket:{REGION}:{ACCOUNT}:job/{uuid.uuid4()}"
        self.status = "QUEUED"
        self._reason = ""
        self._times = {"createdAt": _now()}
        self._lock = threading.Lock()
        self._program = Program(is_machine=True)

    def start(self) -> None:
        """Run it in the background."""
        self._tell()
        threads.start(self._run, "hybrid-job")

    def cancel(self) -> bool:
        """Stop it; False if it has ended."""
        with self._lock:
            if self.status in _FINAL:
                return False
            self.status = "CANCELLING"
        self._tell()
        threads.start(lambda: self._program.end(_CANCELLED), "hybrid-job")
        return True

    def shown(self) -> Json:
        """As GetJob tells."""
        told = {name: value for name, value in self.request.items() if name != "clientToken"}
        reason = {"failureReason": self._reason} if self._reason else {}
        return {**told, **self._times, **reason, "jobArn": self.arn, "status": self.status}

    def listed(self) -> Json:
        """As SearchJobs tells."""
        return {
            **self._times,
            "status": self.status,
            "jobArn": self.arn,
            "jobName": self.request["jobName"],
            "device": self.request["deviceConfig"]["device"],
            "tags": self.request.get("tags", {}),
        }

    def _run(self) -> None:
        runtime = programs.current()
        entry_point = self.request["algorithmSpecification"]["scriptModeConfig"]["entryPoint"]
        with runtime.folder() as folder:
            gone = runtime.run(
                self._program,
                ["python", "-m", entry_point],
                self._environment(folder),
                begun=self._begin,
                limit=self._limit,
                folder=folder,
            )
        self._end(*self._outcome(gone))

    def _begin(self) -> None:
        with self._lock:
            if self.status == "CANCELLING":
                self._program.end(_CANCELLED)  # before it has started
                return
            self.status = "RUNNING"
            self._times["startedAt"] = _now()
        self._tell()

    @property
    def _limit(self) -> float:
        return float(self.request.get("stoppingCondition", {}).get("maxRuntimeInSeconds", 432_000))

    def _outcome(self, gone: Exit) -> tuple[str, str]:
        if self.status == "CANCELLING":
            return "CANCELLED", ""
        if gone.reason == OUT_OF_TIME:
            return "FAILED", f"MaxRuntimeExceeded: the job ran longer than {self._limit:g} s"
        if gone.code == 0:
            return "COMPLETED", ""
        return "FAILED", f"AlgorithmError: the job's container exited with code {gone.code}"

    def _end(self, status: str, reason: str) -> None:
        with self._lock:
            self.status, self._reason = status, reason
            self._times["endedAt"] = _now()
        self._tell()

    def _tell(self) -> None:
        detail = {
            "jobArn": self.arn,
            "jobName": self.request["jobName"],
            "status": self.status,
            "eventType": self.status,
            "deviceArn": self.request["deviceConfig"]["device"],
            **self._times,
        }
        events.tell("aws.braket", "Braket Job State Change", detail, self.arn)

    def _environment(self, folder: Path) -> dict[str, str]:
        """As the service sets it, with folders of this machine."""
        name = self.request["jobName"]
        bucket, _, path = self.request["outputDataConfig"]["s3Path"][5:].partition("/")
        script = self.request["algorithmSpecification"]["scriptModeConfig"]
        parameters = folder / "input" / "config" / "hyperparameters.json"
        folders = {
            "AMZN_BRAKET_INPUT_DIR": folder / "input" / "data",
            "AMZN_BRAKET_JOB_RESULTS_DIR": folder / "model",
            "AMZN_BRAKET_CHECKPOINT_DIR": folder / "checkpoints",
        }
        for each in (*folders.values(), parameters.parent):
            each.mkdir(parents=True)
        parameters.write_text(json.dumps(self.request.get("hyperParameters", {})))
        return {
            **{variable: str(each) for variable, each in folders.items()},
            "AMZN_BRAKET_HP_FILE": str(parameters),
            "AMZN_BRAKET_JOB_NAME": name,
            "AMZN_BRAKET_JOB_ARN": self.arn,
            "AMZN_BRAKET_JOB_TOKEN": self.arn,
            "AMZN_BRAKET_DEVICE_ARN": self.request["deviceConfig"]["device"],
            "AMZN_BRAKET_OUT_S3_BUCKET": bucket,
            "AMZN_BRAKET_JOB_RESULTS_S3_PATH": f"{path}/{name}/output",
            "AMZN_BRAKET_TASK_RESULTS_S3_URI": f"s3://{bucket}/jobs/{name}/tasks",
            "AMZN_BRAKET_SCRIPT_S3_URI": script["s3Uri"],
            "AMZN_BRAKET_SCRIPT_ENTRY_POINT": script["entryPoint"],
            "AMZN_BRAKET_SCRIPT_COMPRESSION_TYPE": script.get("compressionType", "NONE"),
        }
