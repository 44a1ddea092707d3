"""Google's Cloud Functions, Cloud Tasks and logs, in the shapes of Google's own messages. Tasks call what runs."""

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.cloud import functions_v2, tasks_v2
from google.rpc import code_pb2, status_pb2
from tests.clouds import google
from tests.clouds.internet import Answer, Request

PARENT = f"projects/{google.PROJECT}/locations/{google.REGION}"
URI = "https://covalent-electron-abc123-ue.a.run.app"
CALLER = f"caller@{google.PROJECT}.iam.gserviceaccount.com"
_CODES = {
    401: code_pb2.UNAUTHENTICATED,
    403: code_pb2.PERMISSION_DENIED,
    404: code_pb2.NOT_FOUND,
    429: code_pb2.RESOURCE_EXHAUSTED,
    500: code_pb2.INTERNAL,
    503: code_pb2.UNAVAILABLE,
    504: code_pb2.DEADLINE_EXCEEDED,
}


def function(state: str = "ACTIVE", seconds: int = 3600, message: str = "") -> Any:
    """The function as Cloud Functions has it."""
    return functions_v2.Function(
        name=f"{PARENT}/functions/covalent-electron",
        state=functions_v2.Function.State[state],
        state_messages=[functions_v2.StateMessage(message=message)] if message else [],
        service_config=functions_v2.ServiceConfig(uri=URI, timeout_seconds=seconds),
    )


@dataclass
class Cloud:
    """A project with a function and a queue; `port` is where the function listens."""

    port: Callable[[], int] = lambda: 0
    function: Any = field(default_factory=function)
    queue: str = "covalent"
    tasks: dict[str, Any] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    fails: list[Answer] = field(default_factory=list)
    log: Callable[[], str] = lambda: ""
    is_paused: bool = False

    def functions(self, request: Request) -> Answer:
        """cloudfunctions.googleapis.com."""
        google.check_login(request)
        assert request.method == "GET"
        found = re.fullmatch(r"/v2/(projects/.*/functions/[^/]+)", request.path)
        assert found, request.path
        if self.fails:
            return self.fails.pop(0)
        if found[1] != self.function.name:
            return google.refused(404, "NOT_FOUND", f"Resource '{found[1]}' was not found")
        return Answer(body=functions_v2.Function.to_json(self.function).encode())

    def queues(self, request: Request) -> Answer:
        """cloudtasks.googleapis.com."""
        google.check_login(request)
        queue, _, name = request.path.removeprefix("/v2/").partition("/tasks")
        if queue != f"{PARENT}/queues/{self.queue}":
            return google.refused(404, "NOT_FOUND", "Queue does not exist.")
        name = name.removeprefix("/")
        match request.method:
            case "POST" if not name:
                return self._create(request)
            case _ if name not in self.tasks:
                return google.refused(404, "NOT_FOUND", "Requested entity was not found.")
            case "GET":
                return self._get(name)
            case "DELETE":
                del self.tasks[name]
                return Answer(body={})
        raise AssertionError(f"{request.method} {request.path} is no operation of Cloud Tasks")

    def _create(self, request: Request) -> Answer:
        made = google.parsed(tasks_v2.CreateTaskRequest, request.body).task
        name = made.name.rpartition("/")[2]
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,500}", name)
        assert (
            made.http_request.url
            == made.http_request.oidc_token.audience
            == self.function.service_config.uri
        )
        assert made.http_request.oidc_token.service_account_email == CALLER
        assert 15 <= made.dispatch_deadline.total_seconds() <= 1800
        if name in self.tasks or name in self.done:
            return google.refused(409, "ALREADY_EXISTS", "Requested entity already exists")
        self.tasks[name] = made
        if not self.is_paused:
            self.call(name)
        return self._get(name)

    def _get(self, name: str) -> Answer:
        return Answer(body=tasks_v2.Task.to_json(self.tasks[name]).encode())

    def call(self, name: str, before: int = 0) -> threading.Thread:
        """Call the function, as the queue does; `before` is what it has answered the last time."""
        task = self.tasks[name]
        task.dispatch_count += 1
        task.last_attempt = tasks_v2.Attempt(dispatch_time=datetime.now(UTC))
        headers = {**task.http_request.headers, "X-CloudTasks-TaskName": name}
        headers["X-CloudTasks-TaskRetryCount"] = str(task.dispatch_count - 1)
        if before:
            headers["X-CloudTasks-TaskPreviousResponse"] = str(before)
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port()}/",
            bytes(task.http_request.body),
            headers,
            method=tasks_v2.HttpMethod(task.http_request.http_method).name,
        )
        thread = threading.Thread(target=self._called, args=(name, request), daemon=True)
        thread.start()
        return thread

    def _called(self, name: str, request: urllib.request.Request) -> None:
        try:
            with urllib.request.urlopen(request) as answer:
                code = answer.status
        except urllib.error.HTTPError as exc:
            code = exc.code
        except OSError:
            code = 503
        self.answered(name, code)

    def answered(self, name: str, code: int) -> None:
        """What the queue does with an answer of the function."""
        task = self.tasks.get(name)
        if task is None:
            return
        if code < 300:
            self.done.append(name)
            del self.tasks[name]
            return
        task.response_count += 1
        task.last_attempt.response_time = datetime.now(UTC)
        task.last_attempt.response_status = status_pb2.Status(
            code=_CODES[code],
            message=f"{code_pb2.Code.Name(_CODES[code])}({_CODES[code]}): HTTP status code {code}",
        )

    def logs(self, request: Request) -> Answer:
        """logging.googleapis.com: what the function has printed as JSON."""
        google.check_login(request)
        job = re.search(r'jsonPayload\.covalent_job="([^"]+)"', request.json["filter"])
        assert job
        assert 'resource.labels.service_name="covalent-electron"' in request.json["filter"]
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        found = [{"jsonPayload": each} for each in lines if each["covalent_job"] == job[1]]
        return Answer(body={"entries": found[::-1][: request.json["pageSize"]]})


def sites(cloud: Cloud) -> dict[str, Any]:
    """The hosts of the project."""
    return {
        "cloudfunctions.googleapis.com": cloud.functions,
        "cloudtasks.googleapis.com": cloud.queues,
        "logging.googleapis.com": cloud.logs,
        "oauth2.googleapis.com": google.Tokens(),
        "iamcredentials.googleapis.com": google.boundary,
    }


def log_of(folder: Path) -> Callable[[], str]:
    """What the function in a folder has printed."""
    return (folder / "output.log").read_text
