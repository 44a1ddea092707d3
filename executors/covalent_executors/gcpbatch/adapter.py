"""Google Cloud's Batch, with Google's own client. Each try of an electron is a job."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from covalent_executors import google_login, launch
from covalent_executors.adapter import Handle, Job, Refused, Secrets, Sighting, State
from covalent_executors.gcpbatch import states
from covalent_executors.gcpbatch.spec import GCPBatchSpec
from covalent_executors.vendor import vendor

_EXTRA = "gcpbatch"
_CALL = {"timeout": 30.0, "retry": None}
"""The bridge tries again itself."""
_LOGGING = "https://logging.googleapis.com/v2/entries:list"
_LINES = 200
_OK = 200


def adapter(spec: GCPBatchSpec, secrets: Secrets) -> "GCPBatch":
    """The project of one user.

    Raises:
        Refused: a package is missing, or the credentials cannot be used.

    """
    batch = vendor("google.cloud.batch_v1", _EXTRA)
    login = google_login.credentials(spec.credentials, secrets, _EXTRA)
    client = batch.BatchServiceClient(credentials=login, transport="rest")
    requests = vendor("google.auth.transport.requests", _EXTRA)
    return GCPBatch(spec, client, requests.AuthorizedSession(login), google_login.name(login))


@dataclass(frozen=True)
class GCPBatch:
    """A region of a project.

    client is a `google.cloud.batch_v1.BatchServiceClient`, session one that is logged in for what that cannot do, who
    the name of who is logged in.
    """

    spec: GCPBatchSpec
    client: Any
    session: Any
    who: str

    def submit(self, job: Job) -> Handle:
        """See `Adapter`."""
        parent = f"projects/{self.spec.project_id}/locations/{self.spec.region}"
        name = job.name if job.name[0].isalpha() else f"c-{job.name}"
        with self._explained():
            try:
                made = self.client.create_job(
                    parent=parent, job=_job(self.spec, job), job_id=name, **_CALL
                )
            except self._errors().Conflict:
                made = self.client.get_job(name=f"{parent}/jobs/{name}", **_CALL)
            except self._errors().NotFound as exc:
                raise Refused(
                    f"project {self.spec.project_id!r} has no Batch in region {self.spec.region!r}: "
                    f"correct project_id or region ({exc.message})"
                ) from exc
        return {"job": f"{parent}/jobs/{name}", "uid": made.uid}

    def look(self, handle: Handle) -> Sighting:
        """See `Adapter`."""
        with self._explained():
            try:
                return states.sighting(self.client.get_job(name=handle["job"], **_CALL))
            except self._errors().NotFound:
                return Sighting(
                    State.ENDED, "Google does not know the job any more: somebody deleted it"
                )

    def cancel(self, handle: Handle) -> None:
        """See `Adapter`."""
        with self._explained(), self._unless_over(handle):
            self.client.cancel_job(name=handle["job"], **_CALL)

    def logs(self, handle: Handle) -> str:
        """See `Adapter`."""
        project = self.spec.project_id
        body = {
            "resourceNames": [f"projects/{project}"],
            "filter": f'logName="projects/{project}/logs/batch_task_logs" AND labels.job_uid="{handle["uid"]}"',
            "orderBy": "timestamp desc",
            "pageSize": _LINES,
        }
        with self._explained():
            answer = self.session.post(_LOGGING, json=body, timeout=_CALL["timeout"])
        if answer.status_code != _OK:  # without roles/logging.viewer they are not to be had
            return ""
        lines = [
            each.get("textPayload", "").rstrip("\n") for each in answer.json().get("entries", ())
        ]
        return "\n".join(reversed(lines))

    def clean(self, handle: Handle) -> None:
        """See `Adapter`."""
        with self._explained(), self._unless_over(handle):
            self.client.delete_job(name=handle["job"], **_CALL)

    def _explained(self) -> Any:
        where = f"{self.who} in project {self.spec.project_id!r}"
        return google_login.explained(
            _EXTRA,
            where,
            "roles/batch.jobsEditor, and roles/iam.serviceAccountUser on service_account_email",
        )

    @contextmanager
    def _unless_over(self, handle: Handle) -> Iterator[None]:
        """A job that is gone, or has ended, is what was wanted."""
        try:
            yield
        except self._errors().ClientError:
            if self.look(handle).state is not State.ENDED:
                raise

    def _errors(self) -> Any:
        return vendor("google.api_core.exceptions", _EXTRA)


def _job(spec: GCPBatchSpec, job: Job) -> Any:
    batch = vendor("google.cloud.batch_v1", _EXTRA)
    container = batch.Runnable.Container(
        image_uri=spec.container_image_uri, entrypoint="python3", commands=launch.arguments()
    )
    task = batch.TaskSpec(
        runnables=[batch.Runnable(container=container)],
        compute_resource=batch.ComputeResource(cpu_milli=1000 * spec.vcpus, memory_mib=spec.memory),
        environment=batch.Environment(variables=launch.environment(job)),
        max_retry_count=0,
    )
    if job.time_limit > 0:
        task.max_run_duration = timedelta(seconds=job.time_limit)
    account = batch.ServiceAccount(email=spec.service_account_email)
    return batch.Job(
        task_groups=[batch.TaskGroup(task_spec=task, task_count=1)],
        allocation_policy=batch.AllocationPolicy(service_account=account),
        logs_policy=batch.LogsPolicy(destination=batch.LogsPolicy.Destination.CLOUD_LOGGING),
        labels={"started-by": "covalent"},
    )
