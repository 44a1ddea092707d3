"""Amazon Braket, which moto does not have: hybrid jobs, each a process with this machine's Python.

requests    checked against botocore's model of the service, as AWS does.
jobs        CreateJob, GetJob, CancelJob, SearchJobs; so many at a time as an account may have.
events      "Braket Job State Change" on the default bus, at every change.

The code of a job is not fetched: its entry point is a module that Python finds here.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote

import botocore.session
from botocore.validate import ParamValidator

from covalent_localstack.hybrid_jobs import Job

Json = dict[str, Any]
Answer = tuple[int, list[tuple[str, str]], list[bytes]]
SERVICE = "/braket/aws4_request"
LIMIT = 3
"""Hybrid jobs at a time: https://docs.aws.amazon.com/braket/latest/developerguide/braket-quotas.html"""
_ACTIVE = ("QUEUED", "RUNNING", "CANCELLING")
_jobs: dict[str, Job] = {}
_lock = threading.Lock()


class Refusal(Exception):
    """An error of the service, by its name in the model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Route(NamedTuple):
    operation: str
    method: str
    path: re.Pattern[str]


_ROUTES = (
    _Route("CreateJob", "POST", re.compile("/job")),
    _Route("SearchJobs", "POST", re.compile("/jobs")),
    _Route("CancelJob", "PUT", re.compile("/job/(?P<jobArn>.+)/cancel")),
    _Route("GetJob", "GET", re.compile("/job/(?P<jobArn>.+)")),
)


def answer(environ: Mapping[str, Any]) -> Answer | None:
    """Answer a request of Braket; None for one of another service."""
    if SERVICE not in environ.get("HTTP_AUTHORIZATION", ""):
        return None
    try:
        operation, request = _parsed(environ)
        return _written(_status(operation), _OPERATIONS[operation](request))
    except Refusal as exc:
        headers = [("x-amzn-ErrorType", exc.code)]
        return _written(_error_status(exc.code), {"message": str(exc)}, headers)


def forget() -> None:
    """Forget all jobs: the server goes away."""
    with _lock:
        _jobs.clear()


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
            body = environ["wsgi.input"].read() if route.method == "POST" else b""
            request = {**json.loads(body or b"{}"), **match.groupdict()}
            _check(route.operation, request)
            return route.operation, request
    raise Refusal("ValidationException", f"{path} is not served offline")


def _check(operation: str, request: Json) -> None:
    shape: Any = _model().operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    faults = [report.generate_report()] if report.has_errors() else list(_faults(request, shape))
    if faults:
        raise Refusal("ValidationException", "; ".join(faults))


def _faults(value: Any, shape: Any, path: str = "request") -> list[str]:
    """What botocore leaves to the service: patterns, longest values and enumerations."""
    match shape.type_name:
        case "structure":
            inner = [
                (value[name], each, name) for name, each in shape.members.items() if name in value
            ]
        case "list":
            inner = [(each, shape.member, "[]") for each in value]
        case "map":
            inner = [(each, shape.value, name) for name, each in value.items()]
        case "string":
            return _faults_of_text(value, shape, path)
        case _:
            return []
    return [fault for each, of, name in inner for fault in _faults(each, of, f"{path}.{name}")]


def _faults_of_text(value: str, shape: Any, path: str) -> list[str]:
    rules = shape.metadata
    if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        return [f"{path} must satisfy {rules['pattern']}"]
    if len(value) > rules.get("max", len(value)):
        return [f"{path} has {len(value)} characters, {rules['max']} are allowed"]
    if "enum" in rules and value not in rules["enum"]:
        return [f"{path} must be one of {', '.join(rules['enum'])}"]
    return []


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


_OPERATIONS: Mapping[str, Callable[[Json], Json]] = {
    "CreateJob": _create,
    "GetJob": _get,
    "CancelJob": _cancel,
    "SearchJobs": _search,
}


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("braket")


def _status(operation: str) -> int:
    return int(_model().operation_model(operation).http["responseCode"])


def _error_status(code: str) -> int:
    return int(_model().shape_for(code).metadata.get("error", {}).get("httpStatusCode", 400))


def _written(status: int, document: Json, headers: list[tuple[str, str]] | None = None) -> Answer:
    kept = [("Content-Type", "application/json"), ("x-amzn-RequestId", str(uuid.uuid4()))]
    kept += headers or []
    return HTTPStatus(status), kept, [json.dumps(document).encode()]
