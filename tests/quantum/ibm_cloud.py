"""IBM Cloud on this machine: token exchange, search, catalog and the Qiskit Runtime API, over the client's own hosts.

The client of Qiskit Runtime has the host of the token exchange written into it. So this is an HTTP proxy, which
`HTTPS_PROXY` and `REQUESTS_CA_BUNDLE` make the client use: it ends TLS itself, with certificates of its own for the
names of IBM's hosts, and answers each as IBM does. Bodies have the form that the client's adapters read
(qiskit_ibm_runtime/api/rest, accounts/account.py) and IBM's API reference shows. Jobs really run, on the fake back
ends of qiskit-ibm-runtime.
"""

import contextlib
import datetime
import json
import re
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY = "key-of-a-user-of-ibm-cloud"
CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/1f2e3d:5c6b7a89-0000-4000-8000-000000000001::"
HOSTS = (
    "iam.cloud.ibm.com",
    "api.global-search-tagging.cloud.ibm.com",
    "globalcatalog.cloud.ibm.com",
    "quantum.cloud.ibm.com",
)
_PLAN = "850b81d0-4b1b-4b5f-9c6f-d2bbd5f5b3ab"
_MORE = "https://cloud.ibm.com/apidocs/quantum-computing#error-handling"
Reply = tuple[int, Any]


def refusal(status: int, code: int, message: str) -> Reply:
    """An error as the Runtime API gives them."""
    error = {"code": code, "message": message, "solution": "", "more_info": _MORE}
    return status, {"errors": [error], "trace": uuid.uuid4().hex}


@dataclass
class Machine:
    """A device, and what it says of itself."""

    backend: Any
    name: str
    online: bool = True
    message: str = "active"
    queue: int = 0


@dataclass
class Job:
    """A job, as the service keeps it."""

    id: str
    body: dict[str, Any]
    status: str = "Queued"
    reason: str | None = None
    reason_code: int | None = None
    result: str = ""

    def shown(self) -> dict[str, Any]:
        """What GET /jobs/{id} answers."""
        state = {"status": self.status, "reason": self.reason, "reason_code": self.reason_code}
        return {
            "id": self.id,
            "backend": self.body["backend"],
            "program": {"id": self.body["program_id"]},
            "created": "2026-01-05T10:00:00.000000Z",
            "state": {name: value for name, value in state.items() if value is not None},
            "status": self.status,
            "session_id": self.body.get("session_id"),
            "tags": self.body.get("tags", []),
            "usage": {"seconds": 1},
        }


@dataclass
class IBMCloud:
    """The state of the cloud; tests set it and read it."""

    machines: dict[str, Machine]
    jobs: dict[str, Job] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Event = field(default_factory=threading.Event)
    plan: str = "Premium"
    fails_with: tuple[int, str] | None = None
    refuses: Reply | None = None
    address: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.go.set()

    def answer(
        self, host: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        """Answer a request."""
        path = urlsplit(url).path
        with self.lock:
            self.requests.append((method, host + path))
        if host.startswith("iam."):
            return self._token(parse_qs(body.decode()))
        if headers.get("Authorization") != f"Bearer {_token(KEY)}" and "search" not in host:
            return refusal(401, 1201, "Invalid credentials.")
        if host.startswith("api.global-search"):
            return 200, {"items": [self._instance()], "limit": 100}
        if host.startswith("globalcatalog."):
            pricing = {"type": "free" if self.plan == "Open" else "subscription"}
            return 200, {
                "id": _PLAN,
                "overview_ui": {"en": {"display_name": self.plan}},
                "metadata": {"pricing": pricing},
            }
        return self._runtime(method, path.removeprefix("/api/v1"), headers, body)

    def sent(self, method: str, end: str) -> int:
        """How often a request was made."""
        return sum(m == method and path.endswith(end) for m, path in self.requests)

    def _token(self, form: Mapping[str, list[str]]) -> Reply:
        if form.get("apikey") != [KEY]:
            return 400, {
                "errorCode": "BXNIM0415E",
                "errorMessage": "Provided API key could not be found.",
                "context": {"requestId": uuid.uuid4().hex},
            }
        return 200, {
            "access_token": _token(KEY),
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": 3600,
            "expiration": int(time.time()) + 3600,
        }

    def _instance(self) -> dict[str, Any]:
        return {
            "crn": CRN,
            "name": "my-instance",
            "service_plan_unique_id": _PLAN,
            "doc": {"extensions": [{"key": "backends", "value": list(self.machines)}]},
            "tags": [],
        }

    def _runtime(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if headers.get("Service-CRN") != CRN:
            return refusal(403, 1200, "You are not authorized to perform this action.")
        sent = json.loads(body) if body else {}
        for verb, pattern, answer in _ROUTES:
            match = re.fullmatch(pattern, path) if verb == method else None
            if match:
                return answer(self, sent, *match.groups())
        return refusal(404, 1299, f"no {method} {path}")

    def _usage(self, _: Any) -> Reply:
        used = {"usage_consumed_seconds": 0, "usage_limit_seconds": 600}
        return 200, {"instance_id": CRN, **used}

    def _backends(self, _: Any) -> Reply:
        return 200, {"devices": [self._device(each) for each in self.machines.values()]}

    def _close(self, sent: dict[str, Any], name: str) -> Reply:
        self.sessions[name].update(accepting_jobs=sent["accepting_jobs"], state="closed")
        return 204, None

    def _device(self, machine: Machine) -> dict[str, Any]:
        state = "online" if machine.online else "offline"
        return {
            "name": machine.name,
            "status": {"name": state, "reason": machine.message},
            "qubits": machine.backend.num_qubits,
            "queue_length": machine.queue,
        }

    def _backend(self, _: Any, name: str, what: str) -> Reply:
        if name not in self.machines:
            return refusal(404, 1007, "Backend not found.")
        machine = self.machines[name]
        if what == "status":
            return 200, {
                "state": machine.online,
                "status": machine.message,
                "message": "",
                "length_queue": machine.queue,
                "backend_version": "1.0.0",
            }
        if what == "configuration":
            return 200, {**_recorded(machine.backend, "conf_filename"), "backend_name": name}
        return 200, {**_recorded(machine.backend, "props_filename"), "backend_name": name}

    def _open(self, sent: dict[str, Any]) -> Reply:
        if self.plan == "Open" and sent["mode"] == "dedicated":
            return refusal(
                400, 1352, "You are not authorized to run a session when using the open plan."
            )
        name = str(uuid.uuid4())
        self.sessions[name] = {
            "id": name,
            "backend_name": sent["backend"],
            "mode": sent["mode"],
            "max_ttl": sent.get("max_ttl", 28800),
            "interactive_ttl": 60,
            "active_ttl": sent.get("max_ttl", 28800),
            "state": "open",
            "accepting_jobs": True,
            "elapsed_time": 0,
        }
        return 200, self.sessions[name]

    def _submit(self, sent: dict[str, Any]) -> Reply:
        if self.refuses is not None:
            return self.refuses
        job = Job(uuid.uuid4().hex[:20], sent)
        with self.lock:
            self.jobs[job.id] = job
        threading.Thread(target=self._run, args=[job], daemon=True).start()
        return 200, {"id": job.id, "backend": sent["backend"]}

    def _run(self, job: Job) -> None:
        from qiskit.primitives import BackendSamplerV2
        from qiskit_ibm_runtime.utils import RuntimeDecoder, RuntimeEncoder

        self.waiting.set()
        self.go.wait(60)
        if job.status == "Cancelled":
            return
        job.status = "Running"
        if self.fails_with is not None:
            job.reason_code, job.reason = self.fails_with
            job.status = "Failed"
            return
        pubs = json.loads(json.dumps(job.body["params"]["pubs"]), cls=RuntimeDecoder)
        sampler = BackendSamplerV2(backend=self.machines[job.body["backend"]].backend)
        result = sampler.run([tuple(pub) for pub in pubs]).result()
        job.result = json.dumps(result, cls=RuntimeEncoder)
        job.status = "Completed"

    def _cancel(self, _: Any, name: str) -> Reply:
        if self.jobs[name].status not in ("Queued", "Running"):
            return refusal(409, 1216, "The job is in a final state.")
        self.jobs[name].status = "Cancelled"
        return 204, None


_ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET", "/instances/usage", IBMCloud._usage),
    ("GET", "/backends", IBMCloud._backends),
    ("GET", "/backends/([^/]+)/([^/]+)", IBMCloud._backend),
    ("POST", "/sessions", IBMCloud._open),
    ("GET", "/sessions/([^/]+)", lambda cloud, _, name: (200, cloud.sessions[name])),
    ("PATCH", "/sessions/([^/]+)", IBMCloud._close),
    ("POST", "/jobs", IBMCloud._submit),
    ("GET", "/jobs/([^/]+)", lambda cloud, _, name: (200, cloud.jobs[name].shown())),
    ("GET", "/jobs/([^/]+)/results", lambda cloud, _, name: (200, cloud.jobs[name].result)),
    ("POST", "/jobs/([^/]+)/cancel", IBMCloud._cancel),
)


def _recorded(backend: Any, which: str) -> dict[str, Any]:
    """What the real device answered once: qiskit-ibm-runtime keeps it with its fake back ends."""
    found: dict[str, Any] = json.loads(
        (Path(backend.dirname) / getattr(backend, which)).read_text()
    )
    return found


def _token(key: str) -> str:
    times = {"iat": 1_700_000_000, "exp": 4_000_000_000}
    return jwt.encode({"sub": "user", **times}, f"{key}: the secret of the signature", "HS256")


@dataclass(frozen=True)
class Served:
    """A cloud that answers.

    Args:
        cloud: its state.
        proxy: the address to use as HTTPS_PROXY, and of the plain Runtime API (`/api/v1`).
        authority: the file to use as REQUESTS_CA_BUNDLE.

    """

    cloud: IBMCloud
    proxy: str
    authority: str


@contextlib.contextmanager
def serve(cloud: IBMCloud, folder: Path) -> Iterator[Served]:
    """Answer on a port of this machine."""
    authority, chain = _certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cloud, context))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Served(cloud, f"http://127.0.0.1:{server.server_port}", str(authority))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def ibm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IBMCloud]:
    """IBM Cloud with two devices, as the client of Qiskit Runtime finds it. Nothing of the past is remembered."""
    from qiskit_ibm_runtime.fake_provider import FakeLagosV2, FakeManilaV2

    from covalent._quantum.ibm import account, retired, sessions

    machines = [Machine(FakeManilaV2(), "ibm_manila"), Machine(FakeLagosV2(), "ibm_lagos")]
    cloud = IBMCloud({each.name: each for each in machines})
    account.forget()
    retired.forget()
    with serve(cloud, tmp_path) as served:
        monkeypatch.setenv("HTTPS_PROXY", served.proxy)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", served.authority)
        cloud.address = f"{served.proxy}/api/v1"
        yield cloud
        sessions.close_all()


def _handler(cloud: IBMCloud, context: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_CONNECT(self) -> None:
            self.send_response(200, "Connection established")
            self.end_headers()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb", self.rbufsize)
            self.wfile = self.connection.makefile("wb", 0)
            self.close_connection = False

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            host = self.headers["Host"].partition(":")[0]
            headers = dict(self.headers.items())
            status, found = cloud.answer(host, self.command, self.path, headers, body)
            text = (
                found
                if isinstance(found, str)
                else ""
                if found is None
                else json.dumps(found, default=str)
            )
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    for verb in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{verb}", Handler._answer)
    return Handler


def _certificates(folder: Path) -> tuple[Path, Path]:
    """An authority of our own, and a certificate of it for IBM's hosts."""
    top, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = _name("Authority of a test")
    no_end = x509.BasicConstraints(ca=True, path_length=None)
    root = _signed(
        name, name, top.public_key(), lambda b: b.add_extension(no_end, critical=True), top
    )
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    leaf = _signed(
        _name("IBM Cloud of a test"),
        name,
        key.public_key(),
        lambda b: b.add_extension(names, critical=False),
        top,
    )
    authority, chain = folder / "authority.pem", folder / "chain.pem"
    authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
    return authority, chain


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    extended: Callable[[x509.CertificateBuilder], x509.CertificateBuilder],
    signer: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    return extended(builder).sign(signer, hashes.SHA256())
