"""`covalent doctor` against a deployment: the loopback API Gateway, with and without TLS."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.unit.sdk.remote.gateway import ARN, REGION, Gateway, Key, Refused, serve

from covalent._cli.main import cli
from covalent._dispatch.address import Endpoint, resolve
from covalent._dispatch.checkup import Finding, State, examine, service
from covalent._dispatch.client import Client
from covalent._dispatch.connection import Connection
from covalent._dispatch.submit import send
from covalent._shared_files.config import reload_config, set_config
from covalent._shared_files.defaults import config_path
from covalent_contracts import errors
from covalent_contracts.api import Health

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.sdk.remote.conftest import ControlPlane

    from covalent._dispatch.packaging import Package

MINOR = "3.11"
NAMES = [
    "configuration", "profile", "address", "TLS", "health", "clock", "credentials", "runner", "permission",
    "object store",
]  # fmt: skip


def findings(profile: str | None = "prod") -> dict[str, Finding]:
    return {each.name: each for each in examine(profile)}


def only_failure(found: dict[str, Finding]) -> Finding:
    [failure] = [each for each in found.values() if each.state is State.FAILED]
    assert failure.cure
    return failure


@pytest.fixture(autouse=True)
def _this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control plane of these tests has a runner for one Python."""
    monkeypatch.setattr("platform.python_version_tuple", lambda: ("3", "11", "9"))


def test_all_is_well(gateway: Gateway, package: Package) -> None:
    send(Client(Connection(resolve("prod"))), package)
    found = findings()
    assert list(found) == NAMES
    assert {each.state for each in found.values()} == {State.OK}
    assert ARN in found["credentials"].detail
    assert "AKIATEST" in found["credentials"].detail
    assert REGION in found["profile"].detail


def test_before_the_first_dispatch_the_store_is_left_out(gateway: Gateway) -> None:
    assert findings()["object store"].state is State.SKIPPED


def test_the_chosen_profile_is_looked_at(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVALENT_PROFILE", "prod")
    assert gateway.url in findings(None)["profile"].detail


def test_an_unknown_profile(gateway: Gateway) -> None:
    failure = only_failure(findings("prd"))
    assert failure.name == "profile"
    assert "local, prod" in failure.detail


def test_a_file_that_others_may_read(gateway: Gateway) -> None:
    config_path().chmod(0o644)
    failure = only_failure(findings())
    assert (failure.name, failure.cure) == ("configuration", f"Run: chmod 600 {config_path()}")
    assert "0644" in failure.detail


def test_a_file_that_is_not_toml(gateway: Gateway) -> None:
    config_path().write_text("[profiles\n")
    reload_config()
    found = findings()
    assert only_failure(found).name == "configuration"
    assert len(found) == 1


def test_a_name_that_leads_nowhere(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_address(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    set_config("profiles.prod.address", "https://gone.test")
    monkeypatch.setattr(socket, "getaddrinfo", no_address)
    failure = only_failure(findings())
    assert failure.name == "address"
    assert "covalent deploy status" in failure.cure


def test_an_address_without_tls(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("10.0.0.1", 80))])
    set_config("profiles.prod.address", "http://open.test")
    monkeypatch.setenv("NO_PROXY", "*")
    assert only_failure(findings()).name == "TLS"


def test_nobody_there(gateway: Gateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        set_config("profiles.prod.address", f"http://127.0.0.1:{probe.getsockname()[1]}")
    failure = only_failure(findings())
    assert failure.name == "health"
    assert "is this machine online" in failure.cure


@pytest.mark.parametrize(
    ("wire", "cure"), [(0, "covalent deploy up"), (2, "pip install 'covalent-serverless==9.9'")]
)
def test_another_version(gateway: Gateway, wire: int, cure: str) -> None:
    health = Health(version="9.9", wire=wire, pythons=[MINOR])
    gateway.plane.faults = [httpx.Response(200, text=health.model_dump_json())]
    failure = only_failure(findings())
    assert failure.name == "health"
    assert cure in failure.cure


def test_something_else_at_the_address(gateway: Gateway) -> None:
    gateway.plane.faults = [httpx.Response(200, text="<html>")]
    failure = only_failure(findings())
    assert failure.name == "health"
    assert "no Covalent control plane" in failure.cure


def test_no_api_at_the_address(gateway: Gateway) -> None:
    gateway.is_there = False
    failure = only_failure(findings())
    assert failure.name == "health"
    assert "is no API" in failure.cure


@pytest.mark.parametrize(("ahead", "word"), [(3600, "slow"), (-3600, "fast")])
def test_a_wrong_clock(gateway: Gateway, ahead: int, word: str) -> None:
    gateway.ahead = ahead
    found = findings()
    failure = only_failure(found)
    assert failure.name == "clock"
    assert word in failure.detail
    assert found["permission"].state is State.OK  # a dispatch would get through all the same


def test_no_credentials(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found = findings()
    failure = only_failure(found)
    assert failure.name == "credentials"
    assert "aws configure" in failure.cure
    assert found["permission"].state is State.SKIPPED


def test_a_session_that_has_ended(gateway: Gateway) -> None:
    gateway.keys = {"AKIATEST": Key("secret", has_ended=True)}
    failure = only_failure(findings())
    assert failure.name == "credentials"
    assert "aws sso login" in failure.cure


def test_sts_out_of_reach_is_no_fault(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{port}")
    found = findings()
    assert found["credentials"].state is State.SKIPPED
    assert found["permission"].state is State.OK


def test_no_permission(gateway: Gateway) -> None:
    gateway.denied = True
    failure = only_failure(findings())
    assert failure.name == "permission"
    assert "execute-api:Invoke" in failure.cure


def test_a_service_that_is_busy(gateway: Gateway) -> None:
    late = Refused(504, "Endpoint request timed out", "InternalServerErrorException")
    gateway.faults = [late] * 2
    assert "timed out" in only_failure(findings()).cure


def test_no_runner_for_this_python(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.python_version_tuple", lambda: ("3", "99", "0"))
    failure = only_failure(findings())
    assert failure.name == "runner"
    assert "Python 3.99" in failure.cure


def test_a_store_that_refuses_fresh_addresses(gateway: Gateway, package: Package) -> None:
    dispatch_id = send(Client(Connection(resolve("prod"))), package)
    denied = httpx.Response(403, text="<Code>AccessDenied</Code>")
    gateway.plane.faults = [None, None, None, denied]
    failure = only_failure(findings())
    assert dispatch_id in gateway.plane.summaries
    assert failure.name == "object store"
    assert "AccessDenied" in failure.cure


def test_the_bucket_is_known_by_its_name(plane: ControlPlane, aws_files: Path) -> None:
    endpoint = Endpoint("https://a.execute-api.eu-west-1.amazonaws.com", None, "eu-west-1")
    looked = service.Service(Connection(endpoint, httpx.MockTransport(plane.handle)))
    looked._caller = ARN
    assert looked._bucket() == "https://covalent-123456789012-eu-west-1.s3.eu-west-1.amazonaws.com/"
    looked._caller = ""
    assert looked._bucket() is None


def test_the_command_says_it_in_lines(gateway: Gateway) -> None:
    gateway.denied = True
    done = CliRunner().invoke(cli, ["doctor", "--profile", "prod"])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert len(lines) == len(NAMES)
    assert lines[-2].startswith("✗ permission: ")
    assert lines[-1].startswith("  ")
    gateway.denied = False
    assert CliRunner().invoke(cli, ["doctor", "--profile", "prod"]).exit_code == 0


def test_the_command_says_it_in_json(gateway: Gateway) -> None:
    done = CliRunner().invoke(cli, ["doctor", "--profile", "prod", "--json"])
    document = json.loads(done.stdout)
    assert document["ok"] is True
    assert [each["name"] for each in document["checks"]] == NAMES
    assert set(document["checks"][0]) == {"name", "state", "detail", "cure"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(pem) + private)
    return file


@pytest.fixture
def secured(
    plane: ControlPlane, aws_files: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """The gateway behind TLS, as profile `prod`."""
    gateway = Gateway(plane)
    server = serve(gateway, certificate)
    set_config({"profiles.prod.address": gateway.url, "profiles.prod.region": REGION})
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"{gateway.url}/sts")
    yield gateway
    server.shutdown()
    server.server_close()


def test_tls_with_the_organizations_own_authority(
    secured: Gateway, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    found = findings()
    assert found["TLS"].detail.startswith("TLSv1.")
    assert found["permission"].state is State.OK
    assert secured.used


def test_a_certificate_that_nobody_vouches_for(secured: Gateway) -> None:
    failure = only_failure(findings())
    assert failure.name == "TLS"
    assert "AWS_CA_BUNDLE" in failure.cure
    with pytest.raises(errors.Unavailable, match="AWS_CA_BUNDLE"):
        Client(Connection(resolve("prod"))).dispatches()


def test_a_proxy_that_does_not_let_it_through(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hidden@127.0.0.1:{gateway.port}")
    set_config("profiles.prod.address", "https://abc.execute-api.eu-west-1.amazonaws.com")
    found = findings()
    assert found["address"].state is State.SKIPPED
    failure = only_failure(found)
    assert failure.name == "health"
    assert "HTTPS_PROXY" in failure.cure
    assert "hidden" not in failure.cure
