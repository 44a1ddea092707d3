"""A Cloud Run function, with Google's own clients.

Cloud Tasks calls it and waits for its answer, as nobody else can for long: the bridge looks in now and then. A task has
the name of a try, so there is one for each; it is gone once the function has succeeded.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from covalent_executors import exits, google_login, launch
from covalent_executors.adapter import Handle, Job, Refused, Secrets, Sighting, State
from covalent_executors.gcpfunctions.spec import MAX_TIME_LIMIT, GCPFunctionsSpec
from covalent_executors.vendor import vendor

_EXTRA = "gcpfunctions"
_CALL = {"timeout": 30.0, "retry": None}
"""The bridge tries again itself."""
_LOGGING = "https://logging.googleapis.com/v2/entries:list"
_SLACK = 60
"""Seconds for an instance to start, and to fetch what it has to do."""
_SHORTEST = 15
_OK = 200
_FULL = 8
_CODES: Mapping[int, str] = MappingProxyType(
    {
        4: "the function did not answer within the time that Cloud Tasks waits",
        5: "there is no such function any more",
        7: "service_account_email may not call the function: give it roles/run.invoker",
        14: "the instance that ran it was lost: it may have run out of memory, deploy the function with more",
        16: "service_account_email may not call the function: give it roles/run.invoker",
    }
)
"""What answers became, as codes of google.rpc: https://cloud.google.com/tasks/docs/reference/rest/v2/Status"""
_MORE_MEMORY = "deploy the function with more (--memory)"


def adapter(spec: GCPFunctionsSpec, secrets: Secrets) -> "GCPFunctions":
    """The project of one user.

    Raises:
        Refused: a package is missing, or the credentials cannot be used.

    """
    functions = vendor("google.cloud.functions_v2", _EXTRA)
    tasks = vendor("google.cloud.tasks_v2", _EXTRA)
    requests = vendor("google.auth.transport.requests", _EXTRA)
    login = google_login.credentials(spec.credentials, secrets, _EXTRA)
    return GCPFunctions(
        spec,
        functions.FunctionServiceClient(credentials=login, transport="rest"),
        tasks.CloudTasksClient(credentials=login, transport="rest"),
        requests.AuthorizedSession(login),
        google_login.name(login),
    )


@dataclass(frozen=True)
class GCPFunctions:
    """A function and a queue of a project.

    functions and tasks are Google's clients, session one that is logged in for what they cannot do, who the name of
    who is logged in.
    """

    spec: GCPFunctionsSpec
    functions: Any
    tasks: Any
    session: Any
    who: str

    def submit(self, job: Job) -> Handle:
        """See `Adapter`."""
        url = self._address(job.time_limit)
        queue = f"{self._parent}/queues/{self.spec.queue_name}"
        name = f"{queue}/tasks/{job.name}"
        with self._explained():
            try:
                self.tasks.create_task(parent=queue, task=self._task(name, url, job), **_CALL)
            except self._errors().Conflict:
                pass  # it was submitted before
            except self._errors().NotFound as exc:
                raise Refused(
                    f"there is no queue {self.spec.queue_name!r} in {self._parent}: create it with `gcloud tasks "
                    f"queues create {self.spec.queue_name} --location={self.spec.region}`, or correct queue_name"
                ) from exc
        return {"task": name, "job": job.name}

    def look(self, handle: Handle) -> Sighting:
        """See `Adapter`."""
        with self._explained():
            try:
                found = self.tasks.get_task(name=handle["task"], **_CALL)
            except self._errors().NotFound:
                return Sighting(
                    State.ENDED, "the function ended without a result, or somebody deleted its task"
                )
        seen = sighting(found)
        if seen.state is State.ENDED and (entry := self._entry(handle)):
            code = int(entry.get("exit_code", 0))
            return Sighting(
                State.ENDED, exits.explained(code, _MORE_MEMORY) if code else seen.cause
            )
        return seen

    def cancel(self, handle: Handle) -> None:
        """See `Adapter`. A function that runs sees by itself that its try does not count any more."""
        with self._explained(), suppress(self._errors().NotFound):
            self.tasks.delete_task(name=handle["task"], **_CALL)

    def logs(self, handle: Handle) -> str:
        """See `Adapter`."""
        return str((self._entry(handle) or {}).get("message", ""))

    def clean(self, handle: Handle) -> None:
        """See `Adapter`."""
        self.cancel(handle)

    @property
    def _parent(self) -> str:
        return f"projects/{self.spec.project_id}/locations/{self.spec.region}"

    def _address(self, time_limit: float) -> str:
        """Where the function is called, if it is there and may run for long enough."""
        name = self.spec.function_name
        with self._explained():
            try:
                found = self.functions.get_function(
                    name=f"{self._parent}/functions/{name}", **_CALL
                )
            except self._errors().NotFound as exc:
                raise Refused(
                    f"there is no function {name!r} in {self._parent}: deploy ours "
                    "(docs/executors/gcpfunctions.md), or correct function_name and region"
                ) from exc
        if found.state.name != "ACTIVE":
            told = "; ".join(each.message for each in found.state_messages)
            raise Refused(
                f"the function {name!r} is {found.state.name}, not ACTIVE: deploy it again. {told}".strip()
            )
        config = found.service_config
        if time_limit > config.timeout_seconds:
            raise Refused(
                f"the function {name!r} may run for {config.timeout_seconds} s, and time_limit is {time_limit:g}: "
                "deploy it with a longer --timeout"
            )
        return str(config.uri)

    def _task(self, name: str, url: str, job: Job) -> Any:
        tasks = vendor("google.cloud.tasks_v2", _EXTRA)
        limit = max(job.time_limit, 0)
        given = {"job": job.name, "errand": launch.errand(job), "time_limit": limit}
        wait = min(max(limit + _SLACK, _SHORTEST), MAX_TIME_LIMIT) if limit else MAX_TIME_LIMIT
        call = tasks.HttpRequest(
            url=url,
            http_method=tasks.HttpMethod.POST,
            headers={"Content-Type": "application/json"},
            body=json.dumps(given).encode(),
            oidc_token=tasks.OidcToken(
                service_account_email=self.spec.service_account_email, audience=url
            ),
        )
        return tasks.Task(name=name, http_request=call, dispatch_deadline=timedelta(seconds=wait))

    def _entry(self, handle: Handle) -> Mapping[str, Any] | None:
        """What the function has logged at the end of a try; without roles/logging.viewer it is not to be had."""
        project, service = self.spec.project_id, self.spec.function_name.lower()
        body = {
            "resourceNames": [f"projects/{project}"],
            "filter": f'resource.labels.service_name="{service}" AND jsonPayload.covalent_job="{handle["job"]}"',
            "orderBy": "timestamp desc",
            "pageSize": 1,
        }
        with self._explained():
            answer = self.session.post(_LOGGING, json=body, timeout=_CALL["timeout"])
        entries = answer.json().get("entries", ()) if answer.status_code == _OK else ()
        return next((each["jsonPayload"] for each in entries), None)

    def _explained(self) -> Any:
        where = f"{self.who} in project {self.spec.project_id!r}"
        return google_login.explained(
            _EXTRA,
            where,
            "roles/cloudfunctions.viewer, roles/cloudtasks.enqueuer, roles/cloudtasks.viewer, "
            "roles/cloudtasks.taskDeleter, and roles/iam.serviceAccountUser on service_account_email",
        )

    def _errors(self) -> Any:
        return vendor("google.api_core.exceptions", _EXTRA)


def sighting(task: Any) -> Sighting:
    """How a try stands, by its task.

    Args:
        task: a `google.cloud.tasks_v2.Task`.

    """
    if not task.dispatch_count:
        return Sighting(State.PENDING, "waits in the queue")
    if not task.last_attempt.response_time:
        return Sighting(State.RUNNING)
    status = task.last_attempt.response_status
    if status.code == _FULL:
        return Sighting(
            State.PENDING, "waits for an instance: the function has reached its --max-instances"
        )
    return Sighting(
        State.ENDED, f"{_CODES.get(status.code, 'the function failed')} ({status.message})"
    )
