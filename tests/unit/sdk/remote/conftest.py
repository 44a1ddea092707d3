"""An in-memory control plane with its object store, and one small dispatch for it to hold."""

from __future__ import annotations

import gzip
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from covalent._dispatch.address import Endpoint
from covalent._dispatch.client import Client
from covalent._dispatch.connection import Connection
from covalent._dispatch.packaging import Package
from covalent._dispatch.recent import _recent
from covalent._dispatch.submit import send
from covalent._shared_files.config import set_config
from covalent_contracts import api, pickling
from covalent_contracts.ids import digest_of, principal_of
from covalent_contracts.manifest import (
    Asset,
    Edge,
    Executor,
    LatticeInfo,
    Manifest,
    Node,
    NodeKind,
    Upload,
)
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.sdk.remote.gateway import Gateway

API = "http://localhost:48008"
STORE = "http://store.test"
TOKEN = "a-token"
DISPATCH_ID = "0a1b2c3d-0000-4000-8000-00000000000a"
START = 1_700_000_000_000_000


@dataclass(frozen=True)
class Ref:
    """Stands for an electron in a value."""

    id: int


def pickled(value: Any) -> bytes:
    return pickling.dumps(value, lambda each: each.id if isinstance(each, Ref) else None)


def add(x: int, y: int) -> int:
    return x + y


class Packer:
    """Puts every asset into one pack."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def spot(self, value: Any) -> tuple[int, bytes]:
        data = pickled(value)
        offset = sum(map(len, self.parts))
        self.parts.append(data)
        return offset, data

    def assets(self, values: Mapping[str, Any]) -> tuple[dict[str, Asset], bytes]:
        spots = {name: self.spot(value) for name, value in values.items()}
        pack = b"".join(self.parts)
        assets = {
            name: Asset(digest=digest_of(data), size=len(data), pack=digest_of(pack), offset=offset)
            for name, (offset, data) in spots.items()
        }
        return assets, pack


@pytest.fixture
def package() -> Package:
    """0 add(1: 5, 2: [node 0, 7] through a collection) ... returns {"sum": node 3, "pair": (node 0, node 0)}."""
    large = b"x" * 100_000
    a, pack = Packer().assets(
        {
            "function": add,
            "lattice": {
                "workflow_function": add,
                "metadata": {"executor": None},
                "name": "workflow",
                "doc": "What it does.",
            },
            "five": 5,
            "list": [Ref(0), 7],
            "recipe": {"sum": Ref(3), "pair": (Ref(0), Ref(0))},
            "inputs": {"args": (5,), "kwargs": {"scale": 2}},
        }
    )
    blob = pickled(large)
    big = Asset(digest=digest_of(blob), size=len(blob))
    manifest = Manifest(
        dispatch_id=DISPATCH_ID,
        root_dispatch_id=DISPATCH_ID,
        python="3.11.7",
        covalent="0",
        lattice=LatticeInfo(name="workflow", function=a["lattice"], inputs=a["inputs"]),
        executors={"local": Executor(name="local")},
        nodes=[
            Node(
                id=0, name="add", kind=NodeKind.FUNCTION, executor="local", function=a["function"]
            ),
            Node(id=1, name=":parameter:5", kind=NodeKind.PARAMETER, value=a["five"]),
            Node(id=2, name=":electron_list:", kind=NodeKind.COLLECTION, value=a["list"]),
            Node(
                id=3, name="total", kind=NodeKind.FUNCTION, executor="local", function=a["function"]
            ),
            Node(id=4, name=":parameter:x", kind=NodeKind.PARAMETER, value=big),
            Node(id=5, name=":postprocess:reconstruct", kind=NodeKind.POSTPROCESS),
        ],
        edges=[
            Edge(source=1, target=0, kind="arg"),
            Edge(source=0, target=2, kind="arg"),
            Edge(source=2, target=3, kind="arg"),
            Edge(source=4, target=3, kind="kwarg", name="blob"),
        ],
        uploads=[
            Upload(digest=digest_of(pack), size=len(pack)),
            Upload(digest=big.digest, size=big.size),
        ],
        recipe=a["recipe"],
    )
    return Package(manifest, {digest_of(pack): pack, big.digest: blob})


Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class ControlPlane:
    """Stores what it is given, and serves it back; `log` is every request as "METHOD path"."""

    drafts: dict[str, Manifest] = field(default_factory=dict)
    summaries: dict[str, api.Summary] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    records: dict[int, api.NodeRecord] = field(default_factory=dict)
    sharing: dict[str, list[str]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    faults: list[httpx.Response | Exception | None] = field(default_factory=list)
    """What the next requests get instead of an answer (None: the answer)."""
    expired: set[str] = field(default_factory=set)
    """Presigned addresses that are no longer valid, until another is given out."""
    generation: int = 0
    altered_manifest: bool = False
    lost_starts: int = 0
    """Starts that succeed, but whose answer never arrives."""

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.log.append(f"{request.method} {request.url.path.removeprefix(api.PREFIX)}")
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return fault
        if request.url.host == "store.test":
            return self._store(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return problem(401, "Refused", "wrong token")
        response = self._route(request)
        if request.url.path.endswith("/start") and self.lost_starts:
            self.lost_starts -= 1
            raise httpx.ReadError("reset")
        return response

    def _store(self, request: httpx.Request) -> httpx.Response:
        assert "Authorization" not in request.headers
        key = request.url.path.removeprefix("/")
        if str(request.url) in self.expired:
            return httpx.Response(403, text="<Code>AccessDenied</Code>")
        if request.method == "PUT":
            assert request.headers["x-amz-checksum-sha256"] == digest_of(request.content)
            self.objects[key] = request.content
            return httpx.Response(200)
        if key not in self.objects:
            return httpx.Response(404, text="<Code>NoSuchKey</Code>")
        return httpx.Response(200, content=self.objects[key])

    def _route(self, request: httpx.Request) -> httpx.Response:
        body = request.content
        if request.headers.get("Content-Type") == "application/gzip":
            body = gzip.decompress(body)
        path = request.url.path.removeprefix(api.PREFIX).strip("/").split("/")
        match request.method, path:
            case "GET", ["health"]:
                return answer(api.Health(version="1", wire=1, pythons=["3.11"]))
            case "GET", ["openapi.json"]:
                return httpx.Response(200, json={"openapi": "3.1.0"})
            case "POST", ["dispatches"]:
                return self._register(Manifest.model_validate_json(body))
            case "GET", ["dispatches"]:
                return answer(api.Listing(dispatches=list(self.summaries.values())))
            case "POST", ["dispatches", dispatch_id, "start"]:
                return self._start(dispatch_id, run=request.url.params.get("run") != "false")
            case "PUT", ["dispatches", dispatch_id, "sharing"] if dispatch_id in self.summaries:
                wanted = api.Sharing.model_validate_json(body).shared_with
                self.sharing[dispatch_id] = sorted({principal_of(each) for each in wanted})
        return self._read(path[1], path[2:], body)

    def _read(self, dispatch_id: str, rest: list[str], body: bytes) -> httpx.Response:
        if dispatch_id not in self.summaries:
            return problem(404, "NotFound", f"no dispatch {dispatch_id}")
        match rest:
            case ["manifest"]:
                data = self.drafts[dispatch_id].model_dump_json().encode()
                self.objects["manifest"] = data + b" " * self.altered_manifest
                return answer(api.Download(digest=digest_of(data), url=self.presigned("manifest")))
            case ["assets"]:
                digests = api.AssetsRequest.model_validate_json(body).digests
                downloads = [
                    api.Download(digest=each, url=self.presigned(each)) for each in digests
                ]
                return answer(api.Downloads(downloads=downloads))
            case ["sharing"]:
                return answer(api.Sharing(shared_with=self.sharing.get(dispatch_id, [])))
            case ["nodes"]:
                return self._nodes(api.NodesRequest.model_validate_json(body))
        return answer(self.summaries[dispatch_id])

    def _register(self, manifest: Manifest) -> httpx.Response:
        self.drafts[manifest.dispatch_id] = manifest
        missing = [each.digest for each in manifest.uploads if each.digest not in self.objects]
        uploads = [
            api.Put(digest=each, url=self.presigned(each), headers={"x-amz-checksum-sha256": each})
            for each in missing
        ]
        return answer(api.Registered(dispatch_id=manifest.dispatch_id, uploads=uploads), 201)

    def _start(self, dispatch_id: str, *, run: bool) -> httpx.Response:
        manifest = self.drafts[dispatch_id]
        missing = [each.digest for each in manifest.uploads if each.digest not in self.objects]
        if missing or dispatch_id in self.summaries:
            return problem(409, "Conflict", f"missing: {missing}")
        self.summaries[dispatch_id] = api.Summary(
            dispatch_id=dispatch_id,
            root_dispatch_id=manifest.root_dispatch_id,
            name=manifest.lattice.name,
            status=Status.RUNNING if run else Status.NEW_OBJECT,
            created=START,
            started=START if run else None,
            nodes=len(manifest.nodes),
        )
        for node in manifest.nodes:
            self.records[node.id] = api.NodeRecord(
                id=node.id, name=node.name, kind=node.kind, status=Status.NEW_OBJECT
            )
        return answer(self.summaries[dispatch_id], 202)

    def _nodes(self, request: api.NodesRequest) -> httpx.Response:
        ids = request.ids if request.ids is not None else sorted(self.records)
        records = [self._fresh(self.records[each]) for each in ids]
        return answer(api.Nodes(nodes=records))

    def _fresh(self, record: api.NodeRecord) -> api.NodeRecord:
        """The record with addresses that are valid now."""
        update: dict[str, Any] = {}
        if record.value and record.value.url:
            url = self.presigned(record.value.digest)
            update["value"] = record.value.model_copy(update={"url": url})
        if record.stdout_url:
            update["stdout_url"] = self.presigned("stdout")
        if record.attachments:
            fresh = {"url": self.presigned("beside")}
            update["attachments"] = record.attachments.model_copy(update=fresh)
        return record.model_copy(update=update)

    def presigned(self, key: str) -> str:
        self.generation += 1
        return f"{STORE}/{key}?signature={self.generation}"

    def run(self, *, fail: bool = False) -> None:
        """Let the one dispatch end: node 0 gives 12 (inline), node 3 gives 19 (in the store)."""
        self.complete(0, 12, inline=True)
        if fail:
            self.set(
                3, status=Status.FAILED, error="Traceback ...\nValueError: no", ended=START + 9
            )
            self.end(Status.FAILED, error="3: total: ValueError: no")
            return
        self.complete(3, 19, inline=False, stdout="hello\n")
        for derived in (1, 2, 4, 5):
            self.set(derived, status=Status.COMPLETED)
        self.end(Status.COMPLETED)

    def complete(self, node: int, value: Any, *, inline: bool, **more: Any) -> None:
        data = pickling.dumps(value)
        stored = api.Value(
            digest=digest_of(data),
            size=len(data),
            inline=b64encode(data).decode() if inline else None,
            url=None if inline else "given out on reading",
        )
        if not inline:
            self.objects[stored.digest] = data
        times = {"started": START, "ended": START + 1_500_000}
        self.set(node, status=Status.COMPLETED, value=stored, **times, **more)

    def set(self, node: int, **changes: Any) -> None:
        self.records[node] = self.records[node].model_copy(update=changes)

    def end(self, status: Status, error: str | None = None, dispatch_id: str = DISPATCH_ID) -> None:
        changes = {"status": status, "error": error, "ended": START + 2_000_000}
        self.summaries[dispatch_id] = self.summaries[dispatch_id].model_copy(update=changes)


def answer(document: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=document.model_dump_json())


def problem(status: int, code: str, detail: str, **extra: Any) -> httpx.Response:
    document = api.Problem(title=code, status=status, detail=detail, code=code, extra=extra)
    return httpx.Response(
        status,
        content=json.dumps(document.model_dump()),
        headers={"Content-Type": "application/problem+json"},
    )


@pytest.fixture
def plane() -> ControlPlane:
    return ControlPlane()


@pytest.fixture
def pauses() -> list[float]:
    """How long the client slept, instead of sleeping."""
    return []


@pytest.fixture
def client(plane: ControlPlane, pauses: list[float]) -> Iterator[Client]:
    connection = Connection(
        Endpoint(API, TOKEN), httpx.MockTransport(plane.handle), sleep=pauses.append
    )
    yield Client(connection)
    connection.close()


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, client: Client) -> None:
    """A configuration of its own, in which every address leads to the in-memory control plane."""
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("COVALENT_RESULTS_DIR", str(tmp_path / "results"))
    modules = ("_dispatch.submit", "_results_manager.reading", "_results_manager.record", "sharing")
    for module in modules:
        monkeypatch.setattr(f"covalent.{module}.connect", lambda _address=None: client)


@pytest.fixture
def dispatched(plane: ControlPlane, client: Client, package: Package) -> str:
    """The id of the small dispatch, running; this process does not remember that it sent it."""
    dispatch_id = send(client, package)
    _recent.clear()
    plane.log.clear()
    plane.requests.clear()
    return dispatch_id


@pytest.fixture
def aws_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's AWS configuration: empty files of one's own, and a key in the environment; no other source."""
    folder = tmp_path / "aws"
    folder.mkdir()
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "NO_PROXY": "localhost,127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def gateway(
    plane: ControlPlane, aws_files: Path, configured: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """A loopback API Gateway in front of the control plane, and the profile `prod` for it."""
    from tests.unit.sdk.remote.gateway import REGION, Gateway, serve

    gateway = Gateway(plane)
    server = serve(gateway)
    set_config({"profiles.prod.address": gateway.url, "profiles.prod.region": REGION})
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"{gateway.url}/sts")
    yield gateway
    server.shutdown()
    server.server_close()
