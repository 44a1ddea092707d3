"""Azure's login and an account of Azure Batch, in the shapes of Microsoft's own models. Tasks are real processes."""

import base64
import json
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from azure.batch import models
from tests.clouds.containers import Container, removed
from tests.clouds.internet import Answer, Request

TENANT, CLIENT, SECRET = "tenant-id", "client-id", "client-secret"
ACCOUNT = "covalent.eastus.batch.azure.com"
VERSION = "2025-06-01"
_NOW = "2026-11-22T10:00:00Z"


def token(audience: str) -> str:
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "nbf": int(time.time()) - 60,
        "iat": int(time.time()) - 60,
        "exp": int(time.time()) + 3600,
    }
    coded = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=")
        for each in ({"alg": "HS256", "typ": "JWT"}, claims)
    ]
    return b".".join([*coded, b"c2lnbmF0dXJl"]).decode()


@dataclass
class Login:
    """login.microsoftonline.com."""

    scopes: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        root = f"https://login.microsoftonline.com/{TENANT}"
        if request.path == "/common/discovery/instance":
            where = f"{root}/v2.0/.well-known/openid-configuration"
            return Answer(body={"tenant_discovery_endpoint": where, "metadata": []})
        if request.path.endswith("/openid-configuration"):
            return Answer(
                body={
                    "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{root}/oauth2/v2.0/token",
                    "issuer": f"{root}/v2.0",
                }
            )
        form = request.form
        assert request.path == f"/{TENANT}/oauth2/v2.0/token"
        assert form["client_id"] == CLIENT
        if form["client_secret"] != SECRET:
            told = {
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret",
            }
            return Answer(401, told)
        self.scopes.append(form["scope"])
        return Answer(
            body={
                "access_token": token(form["scope"]),
                "expires_in": 3600,
                "token_type": "Bearer",
            }
        )


def check(model: Any, data: Mapping[str, Any]) -> None:
    """See that a document has only what Microsoft's model has, all the way down."""
    made = model(data)
    fields = made._attr_to_rest_field
    known = {each._rest_name: name for name, each in fields.items()}
    assert set(data) <= set(known), f"{model.__name__} has no {set(data) - set(known)}"
    for rest, attribute in known.items():
        value = getattr(made, attribute)
        for part, raw in zip(
            value if isinstance(value, list) else [value],
            data.get(rest) if isinstance(value, list) else [data.get(rest)],  # type: ignore[arg-type]  # lists are lists
            strict=True,
        ):
            if hasattr(part, "_attr_to_rest_field"):
                check(type(part), raw)


def refused(status: int, code: str, message: str = "told by Azure") -> Answer:
    """An error, as Azure Batch has them."""
    body = {"code": code, "message": {"lang": "en-US", "value": f"{message}\nRequestId:1\nTime:2"}}
    check(models.BatchError, body)
    return Answer(status, body)


@dataclass
class Task:
    """One task: its document, and its container."""

    document: dict[str, Any]
    container: Container | None = None


@dataclass
class Account:
    """An account of Azure Batch with one pool.

    fails is what the next requests are answered; has_nodes tells that tasks run at once.
    """

    pool: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    fails: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    has_nodes: bool = False

    def __call__(self, request: Request) -> Answer:
        self.asked.append((request.method, request.path))
        assert request.headers["Authorization"].startswith("Bearer ey")
        assert request.query["api-version"] == VERSION
        return self.fails.pop(0) if self.fails else self._answer(request)

    def _answer(self, request: Request) -> Answer:
        words = request.path.strip("/").split("/")
        if words[0] == "jobs" and len(words) > 1:
            return self._of_a_job(request, words)
        match request.method, words:
            case "GET", ["pools", name]:
                return self._pool(name)
            case "POST", ["jobs"]:
                return self._open(request.json)
        raise AssertionError(f"{request.method} {request.path} is no operation of Azure Batch")

    def _of_a_job(self, request: Request, words: list[str]) -> Answer:
        match request.method, words:
            case "POST", ["jobs", job, "tasks"]:
                return self._add(job, request.json)
            case "GET", ["jobs", _, "tasks", name]:
                return self._look(name)
            case "POST", ["jobs", _, "tasks", name, "terminate"]:
                return self._terminate(name)
            case "DELETE", ["jobs", _, "tasks", name]:
                return self._delete(name)
            case "GET", ["jobs", _, "tasks", name, "files", file]:
                return self._file(name, file)
        raise AssertionError(f"{request.method} {request.path} is no operation of Azure Batch")

    def _pool(self, name: str) -> Answer:
        if self.pool.get("id") != name:
            return refused(404, "PoolNotFound", "The specified pool does not exist.")
        check(models.BatchPool, self.pool)
        return Answer(body=self.pool)

    def _open(self, body: Any) -> Answer:
        check(models.BatchJobCreateOptions, body)
        assert len(body["id"]) <= 64
        assert body["poolInfo"] == {"poolId": self.pool["id"]}
        if body["id"] in self.jobs:
            return refused(409, "JobExists")
        self.jobs[body["id"]] = body
        return Answer(201)

    def _add(self, job: str, body: Any) -> Answer:
        check(models.BatchTaskCreateOptions, body)
        assert len(body["id"]) <= 64
        if job not in self.jobs:
            return refused(404, "JobNotFound")
        if body["id"] in self.tasks:
            return refused(409, "TaskExists")
        has_containers = "containerConfiguration" in self.pool["virtualMachineConfiguration"]
        assert ("containerSettings" in body) is has_containers
        document = {
            **body,
            "url": f"https://{ACCOUNT}/jobs/{job}/tasks/{body['id']}",
            "eTag": "1",
            "lastModified": _NOW,
            "creationTime": _NOW,
            "stateTransitionTime": _NOW,
            "state": "active",
            "executionInfo": {"retryCount": 0, "requeueCount": 0},
        }
        self.tasks[body["id"]] = Task(document)
        if self.has_nodes:
            self.run(body["id"])
        return Answer(201)

    def run(self, name: str) -> Container:
        """Give a task its node."""
        task = self.tasks[name]
        words = shlex.split(task.document["commandLine"])
        assert words[0] == "python3"
        variables = {each["name"]: each["value"] for each in task.document["environmentSettings"]}
        task.container = Container(words[1:], variables)
        task.document["state"] = "running"
        task.document["previousState"] = "active"
        task.document["executionInfo"]["startTime"] = datetime.now(UTC).isoformat()
        return task.container

    def _look(self, name: str) -> Answer:
        if name not in self.tasks:
            return refused(404, "TaskNotFound")
        task = self.tasks[name]
        if task.container is not None and task.container.code is not None:
            self._end(task, task.container.code)
        check(models.BatchTask, task.document)
        return Answer(body=task.document)

    def _end(self, task: Task, code: int) -> None:
        info = task.document["executionInfo"]
        info |= {"exitCode": code, "result": "success"}
        info.setdefault("endTime", datetime.now(UTC).isoformat())
        if code:
            info["result"] = "failure"
            info.setdefault(
                "failureInfo",
                {
                    "category": "usererror",
                    "code": "FailureExitCode",
                    "message": "The task exited with an exit code representing a failure",
                },
            )
        task.document["state"] = "completed"

    def _terminate(self, name: str) -> Answer:
        if name not in self.tasks:
            return refused(404, "TaskNotFound")
        task = self.tasks[name]
        if task.document["state"] == "completed":
            return refused(409, "TaskCompleted")
        task.document["executionInfo"]["failureInfo"] = {
            "category": "usererror",
            "code": "TaskEnded",
            "message": "Task was ended by user request.",
        }
        if task.container is not None:
            task.container.kill()
        self._end(task, 137)
        return Answer(204)

    def _delete(self, name: str) -> Answer:
        if name not in self.tasks:
            return refused(404, "TaskNotFound")
        removed([self.tasks.pop(name).container])
        return Answer(200)

    def _file(self, name: str, file: str) -> Answer:
        container = self.tasks[name].container if name in self.tasks else None
        if container is None:
            return refused(404, "FileNotFound")
        data = container.read(file).encode()
        return Answer(200, data, {"Content-Type": "application/octet-stream"})


def pool(name: str = "covalent-pool", image: str | None = "python:3.11", **more: Any) -> Any:
    """A pool, which runs containers if there is an image."""
    machine: dict[str, Any] = {
        "imageReference": {"publisher": "microsoft-dsvm", "offer": "ubuntu-hpc", "sku": "2204"},
        "nodeAgentSKUId": "batch.node.ubuntu 22.04",
    }
    if image is not None:
        machine["containerConfiguration"] = {
            "type": "dockerCompatible",
            "containerImageNames": [image] if image else [],
        }
    return {
        "id": name,
        "url": f"https://{ACCOUNT}/pools/{name}",
        "eTag": "1",
        "lastModified": _NOW,
        "creationTime": _NOW,
        "state": "active",
        "stateTransitionTime": _NOW,
        "vmSize": "standard_d2s_v3",
        "virtualMachineConfiguration": machine,
        "currentDedicatedNodes": 1,
        "currentLowPriorityNodes": 0,
        "targetDedicatedNodes": 1,
        "targetLowPriorityNodes": 0,
        **more,
    }
