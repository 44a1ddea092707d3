"""Google's Batch, logs and tokens, in the shapes of Google's own messages. Jobs are real processes."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt
from google.cloud import batch_v1
from google.protobuf import json_format
from tests.clouds.containers import Container, removed
from tests.clouds.internet import Answer, Request

PROJECT, REGION = "my-gcp-project-id", "us-east1"
ACCOUNT = f"covalent@{PROJECT}.iam.gserviceaccount.com"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_STATES = batch_v1.JobStatus.State


def key(**more: Any) -> str:
    """The JSON key of a service account."""
    private = _KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": private.decode(),
            "client_email": ACCOUNT,
            "client_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token",
            **more,
        }
    )


def signed(token: str) -> Mapping[str, Any]:
    """What a token says, which must be signed with the key."""
    public = _KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims: Mapping[str, Any] = jwt.decode(
        token, verify=False, certs=crypt.RSAVerifier.from_string(public)
    )
    header, payload, signature = token.split(".")
    assert crypt.RSAVerifier.from_string(public).verify(
        f"{header}.{payload}".encode(), _unpadded(signature)
    )
    return claims


def _unpadded(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_login(request: Request) -> None:
    """See who asks: by a token that it has signed itself, or one that it was given for such."""
    kind, token = request.headers["Authorization"].split(" ")
    assert kind == "Bearer"
    if token != "given":
        claims = signed(token)
        assert claims["iss"] == ACCOUNT
        assert claims["exp"] > time.time()


def boundary(request: Request) -> Answer:
    """iamcredentials.googleapis.com: where the account may be used; everywhere."""
    assert request.path.endswith(f"/serviceAccounts/{ACCOUNT}/allowedLocations")
    check_login(request)
    return Answer(body={"locations": [], "encodedLocations": "0x0"})


def parsed(message: Any, body: bytes) -> Any:
    """A document as Google's message: fields that this does not have are an error."""
    return message(json_format.Parse(body, message.pb()()))


def refused(code: int, status: str, message: str = "told by Google") -> Answer:
    """An error, as Google's services have them."""
    return Answer(code, {"error": {"code": code, "message": message, "status": status}})


@dataclass
class Tokens:
    """oauth2.googleapis.com."""

    refuses: bool = False

    def __call__(self, request: Request) -> Answer:
        assert request.path == "/token"
        assert signed(request.form["assertion"])["iss"] == ACCOUNT
        if self.refuses:
            return Answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT"})
        return Answer(body={"access_token": "given", "expires_in": 3600, "token_type": "Bearer"})


@dataclass
class Run:
    """One job: its message, and its container."""

    job: Any
    container: Container | None = None


@dataclass
class Batch:
    """batch.googleapis.com for one project and region, and its logs at logging.googleapis.com.

    fails is what the next requests are answered; has_vms tells that jobs run at once.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    fails: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    has_vms: bool = False
    _PATH = re.compile(
        r"/v1/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/jobs(/(?P<job>.*))?"
    )

    def __call__(self, request: Request) -> Answer:
        self.asked.append((request.method, request.path))
        check_login(request)
        return self.fails.pop(0) if self.fails else self._answer(request)

    def _answer(self, request: Request) -> Answer:
        found = self._PATH.fullmatch(request.path)
        assert found, f"{request.path} is no resource of Batch"
        if (found["project"], found["region"]) != (PROJECT, REGION):
            return refused(404, "NOT_FOUND", f"Location {found['region']} is not found")
        name, _, verb = (found["job"] or "").partition(":")
        if request.method == "POST" and not name:
            return self._create(request)
        return self._of_a_job(request, name, verb)

    def _of_a_job(self, request: Request, name: str, verb: str) -> Answer:
        if name not in self.runs:
            return refused(404, "NOT_FOUND", "Job does not exist")
        match request.method, verb:
            case "GET", "":
                return self._get(name)
            case "POST", "cancel":
                return self._cancel(name)
            case "DELETE", "":
                removed([self.runs.pop(name).container])
                return Answer(body={"name": "projects/p/locations/l/operations/o"})
        raise AssertionError(f"{request.method} {request.path} is no operation of Batch")

    def _create(self, request: Request) -> Answer:
        name = request.query["jobId"]
        assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", name)
        job = parsed(batch_v1.Job, request.body)
        if name in self.runs:
            return refused(409, "ALREADY_EXISTS", "Resource already exists")
        job.name = f"projects/{PROJECT}/locations/{REGION}/jobs/{name}"
        job.uid = f"uid-{name}"
        self.runs[name] = Run(job)
        self.tell(name, "QUEUED")
        if self.has_vms:
            self.run(name)
        return self._get(name)

    def tell(
        self, name: str, state: str, *events: str, code: int = 0, kind: str = "STATUS_CHANGED"
    ) -> None:
        """Bring a job into a state, with the reasons for it."""
        status = batch_v1.JobStatus(state=_STATES[state])
        for event in events:
            execution = batch_v1.TaskExecution(exit_code=code)
            status.status_events.append(
                batch_v1.StatusEvent(type_=kind, description=event, task_execution=execution)
            )
        self.runs[name].job.status = status

    def run(self, name: str) -> Container:
        """Give a job its VM."""
        found = self.runs[name]
        (group,) = found.job.task_groups
        assert group.task_count == 1
        (runnable,) = group.task_spec.runnables
        assert runnable.container.entrypoint == "python3"
        variables = group.task_spec.environment.variables
        found.container = Container(runnable.container.commands, variables)
        self.tell(name, "RUNNING")
        return found.container

    def _get(self, name: str) -> Answer:
        found = self.runs[name]
        code = found.container.code if found.container else None
        if code is not None and found.job.status.state == _STATES.RUNNING:
            self._ended(name, code)
        return Answer(body=batch_v1.Job.to_json(found.job).encode())

    def _ended(self, name: str, code: int) -> None:
        if not code:
            self.tell(name, "SUCCEEDED")
            return
        told = (
            "Job state is set from RUNNING to FAILED for job projects/1/locations/us-east1/jobs/j. Job failed due to "
            'task failure. Specifically, task with index 0 failed due to the following task event: "Task state is '
            f'updated from RUNNING to FAILED on zones/us-east1-b/instances/1 with exit code {code}."'
        )
        self.tell(name, "FAILED", told)

    def _cancel(self, name: str) -> Answer:
        found = self.runs[name]
        if found.job.status.state in (_STATES.SUCCEEDED, _STATES.FAILED, _STATES.CANCELLED):
            return refused(400, "FAILED_PRECONDITION", "Job is already in a final state")
        if found.container is not None:
            found.container.kill()
        self.tell(name, "CANCELLED")
        return Answer(body={"name": "projects/p/locations/l/operations/o"})

    def logs(self, request: Request) -> Answer:
        """logging.googleapis.com."""
        check_login(request)
        assert (request.method, request.path) == ("POST", "/v2/entries:list")
        body = request.json
        assert set(body) == {"resourceNames", "filter", "orderBy", "pageSize"}
        assert body["resourceNames"] == [f"projects/{PROJECT}"]
        assert body["orderBy"] == "timestamp desc"
        uid = re.search(r'labels\.job_uid="([^"]+)"', body["filter"])
        assert uid
        container = next(each.container for each in self.runs.values() if each.job.uid == uid[1])
        output = "".join(map(container.read, ("stdout.txt", "stderr.txt"))) if container else ""
        return Answer(
            body={
                "entries": [{"textPayload": f"{line}\n"} for line in reversed(output.splitlines())]
            }
        )
