"""A whole workflow through a profile: signed requests, checked by botocore, in front of the real control plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.unit.sdk.remote.conftest import ControlPlane
from tests.unit.sdk.remote.gateway import REGION, Gateway, serve

import covalent as ct
from covalent._dispatch.checkup import State, examine
from covalent._dispatch.signing import WrongClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.running import Server

LARGE = 300_000


@ct.electron
def doubled(data: bytes) -> bytes:
    return data * 2


@ct.lattice
def workflow(data: bytes) -> Any:
    return doubled(doubled(data))


@dataclass
class Behind(ControlPlane):
    """The embedded server, behind the gateway."""

    server: Server | None = None

    def handle(self, request: httpx.Request) -> httpx.Response:
        assert self.server is not None
        kept = {key: request.headers[key] for key in ("Content-Type",) if key in request.headers}
        with httpx.Client(trust_env=False, timeout=60) as http:
            return http.request(
                request.method,
                f"http://127.0.0.1:{self.server.port}{request.url.raw_path.decode()}",
                headers=kept | {"Authorization": f"Bearer {self.server.token}"},
                content=request.content,
            )


@pytest.fixture
def gateway(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Gateway]:
    """The gateway as profile `prod`, which the environment chooses."""
    gateway = Gateway(Behind(server=server))
    listening = serve(gateway)
    ct.set_config({"profiles.prod.address": gateway.url, "profiles.prod.region": REGION})
    for name, value in {
        "COVALENT_PROFILE": "prod",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL_STS": f"{gateway.url}/sts",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    yield gateway
    listening.shutdown()
    listening.server_close()
    ct.set_config("profiles", {})


def test_a_workflow_through_a_profile(gateway: Gateway, server: Server) -> None:
    data = bytes(range(256)) * (LARGE // 256)
    result = ct.dispatch_sync(workflow)(data)
    assert result.status == ct.status.COMPLETED
    assert result.result == data * 4
    assert set(gateway.used) == {"AKIATEST"}
    by_name = ct.get_result(result.dispatch_id, dispatcher_addr="prod")
    directly = ct.get_result(result.dispatch_id, dispatcher_addr=f"127.0.0.1:{server.port}")
    assert by_name.result == directly.result
    findings = {each.name: each for each in examine()}
    assert {each.state for each in findings.values()} == {State.OK}, findings


def test_a_workflow_with_a_wrong_clock(gateway: Gateway) -> None:
    gateway.ahead = 3600
    with pytest.warns(WrongClock, match="60 minutes slow"):
        result = ct.dispatch_sync(workflow)(b"x")
    assert result.result == b"xxxx"
