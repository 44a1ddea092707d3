"""Amazon Braket, which moto does not have: hybrid jobs, each a process with this machine's Python, and quantum tasks.

requests    checked against botocore's model of the service, as AWS does (`braket_model`).
jobs        CreateJob, GetJob, CancelJob, SearchJobs; so many at a time as an account may have (`hybrid_jobs`).
devices     GetDevice, SearchDevices: the simulators of AWS (`quantum_devices`).
tasks       CreateQuantumTask, GetQuantumTask, CancelQuantumTask, SearchQuantumTasks (`quantum_tasks`).
events      "Braket Job State Change" and "Braket Task State Change" on the default bus, at every change.

The code of a job is not fetched: its entry point is a module that Python finds here.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

from covalent_localstack import braket_faults, braket_model, quantum_devices
from covalent_localstack.braket_model import Json, Refusal
from covalent_localstack.hybrid_jobs import Job
from covalent_localstack.quantum_tasks import Tasks

Answer = tuple[int, list[tuple[str, str]], list[bytes]]
SERVICE = "/braket/aws4_request"
LIMIT = 3
"""Hybrid jobs at a time: https://docs.aws.amazon.com/braket/latest/developerguide/braket-quotas.html"""
_ACTIVE = ("QUEUED", "RUNNING", "CANCELLING")
_jobs: dict[str, Job] = {}
_tasks = Tasks()
_lock = threading.Lock()


class _Route(NamedTuple):
    operation: str
    method: str
    path: re.Pattern[str]


_ROUTES = (
    _Route("CreateJob", "POST", re.compile("/job")),
    _Route("SearchJobs", "POST", re.compile("/jobs")),
    _Route("CancelJob", "PUT", re.compile("/job/(?P<jobArn>.+)/cancel")),
    _Route("GetJob", "GET", re.compile("/job/(?P<jobArn>.+)")),
    _Route("GetDevice", "GET", re.compile("/device/(?P<deviceArn>.+)")),
    _Route("SearchDevices", "POST", re.compile("/devices")),
    _Route("CreateQuantumTask", "POST", re.compile("/quantum-task")),
    _Route("SearchQuantumTasks", "POST", re.compile("/quantum-tasks")),
    _Route("CancelQuantumTask", "PUT", re.compile("/quantum-task/(?P<quantumTaskArn>.+)/cancel")),
    _Route("GetQuantumTask", "GET", re.compile("/quantum-task/(?P<quantumTaskArn>.+)")),
)


def answer(environ: Mapping[str, Any]) -> Answer | None:
    """Answer a request of Braket; None for one of another service."""
    if SERVICE not in environ.get("HTTP_AUTHORIZATION", ""):
        return None
    try:
        operation, request = _parsed(environ)
        if braket_faults.is_throttled(operation):
            raise Refusal("ThrottlingException", "Rate exceeded")
        return _written(braket_model.status(operation), _OPERATIONS[operation](request))
    except Refusal as exc:
        headers = [("x-amzn-ErrorType", exc.code)]
        return _written(exc.status, {"message": str(exc)}, headers)


def forget() -> None:
    """Forget all jobs and tasks: the server goes away."""
    with _lock:
        _jobs.clear()
    _tasks.forget()
    braket_faults.clear()


def find(arn: str) -> Job:
    """A job.

    Raises:
        Refusal: there is none.

    """
    with _lock:
        if arn in _jobs:
            return _jobs[arn]
    raise Refusal("ResourceNotFoundException", f"there is no job {arn}")


def _parsed(environ: Mapping[str, Any]) -> tuple[str, Json]:
    path = unquote(environ["PATH_INFO"])
    for route in _ROUTES:
        match = route.path.fullmatch(path)
        if match and environ["REQUEST_METHOD"] == route.method:
            body = environ["wsgi.input"].read() if route.method != "GET" else b""
            query = parse_qs(environ["QUERY_STRING"])
            request = {**json.loads(body or b"{}"), **query, **match.groupdict()}
            braket_model.check(route.operation, request)
            return route.operation, request
    raise Refusal("ValidationException", f"{path} is not served offline")


def _create(request: Json) -> Json:
    with _lock:
        for job in _jobs.values():
            if job.request["clientToken"] == request["clientToken"]:
                return _repeated(job, request)
        if sum(job.status in _ACTIVE for job in _jobs.values()) >= LIMIT:
            raise Refusal(
                "ServiceQuotaExceededException",
                f"You have reached the limit of {LIMIT} concurrent hybrid jobs.",
            )
        job = Job(request)
        _jobs[job.arn] = job
    job.start()
    return {"jobArn": job.arn}


def _repeated(job: Job, request: Json) -> Json:
    if job.request != request:
        raise Refusal("ConflictException", "the client token was used for another request")
    return {"jobArn": job.arn}


def _get(request: Json) -> Json:
    return find(request["jobArn"]).shown()


def _cancel(request: Json) -> Json:
    job = find(request["jobArn"])
    if not job.cancel():
        raise Refusal("ConflictException", f"the job is {job.status} already")
    return {"jobArn": job.arn, "cancellationStatus": "CANCELLING"}


def _search(request: Json) -> Json:
    with _lock:
        found = [job for job in _jobs.values() if _matches(job, request["filters"])]
    return {"jobs": [job.listed() for job in found]}


def _matches(job: Job, filters: list[Json]) -> bool:
    shown = job.listed()
    for each in filters:
        if each["operator"] not in ("EQUAL", "CONTAINS"):
            raise Refusal("ValidationException", f"{each['operator']} is not served offline")
        name = each["name"]
        value = (
            shown["tags"].get(name.removeprefix("tags:"))
            if name.startswith("tags:")
            else shown.get(name)
        )
        if value not in each["values"]:
            return False
    return True


def _create_task(request: Json) -> Json:
    token = request.get("jobToken")  # that of a job here is its ARN
    return _tasks.create(request, find(token).arn if token else "")


_OPERATIONS: Mapping[str, Callable[[Json], Json]] = {
    "CreateJob": _create,
    "GetJob": _get,
    "CancelJob": _cancel,
    "SearchJobs": _search,
    "GetDevice": quantum_devices.get,
    "SearchDevices": quantum_devices.search,
    "CreateQuantumTask": _create_task,
    "SearchQuantumTasks": _tasks.search,
    "CancelQuantumTask": _tasks.cancel,
    "GetQuantumTask": _tasks.get,
}


def _written(status: int, document: Json, headers: list[tuple[str, str]] | None = None) -> Answer:
    kept = [("Content-Type", "application/json"), ("x-amzn-RequestId", str(uuid.uuid4()))]
    kept += headers or []
    return HTTPStatus(status), kept, [json.dumps(document).encode()]
