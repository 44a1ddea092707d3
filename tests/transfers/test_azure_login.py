"""A service principal: Microsoft's client gets a token from a server of ours, and Azurite takes it."""

import base64
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import azure.identity
import pytest
from azure.storage.blob import BlobServiceClient
from tests.moving import content, move
from tests.transfers.conftest import Azurite, running_azurite, tool

from covalent_runner.transfers.azure import Azure
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.errors import TransferFailed

TENANT, CLIENT, SECRET = "11111111-1111-1111-1111-111111111111", "electron", "q8Q~not-a-real-secret"


def _token() -> str:
    claims = {
        "aud": "https://storage.azure.com",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "nbf": int(time.time()) - 60,
        "iat": int(time.time()) - 60,
        "exp": int(time.time()) + 3600,
    }
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in parts]
    return b".".join([*coded, b"c2lnbmF0dXJl"]).decode()


@dataclass
class Authority:
    """What gives tokens, and whom it was asked for."""

    asked: list[dict[str, list[str]]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    authority: Authority

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        root = f"https://{self.headers['Host']}/{TENANT}"
        self._answer(
            200,
            {
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "issuer": f"{root}/v2.0",
            },
        )

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.authority.asked.append(form)
        if form["client_secret"] == [SECRET]:
            self._answer(
                200, {"access_token": _token(), "expires_in": 3600, "token_type": "Bearer"}
            )
        else:
            self._answer(401, {"error": "invalid_client", "error_description": "wrong secret"})

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine, and its key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    command = [
        *(
            tool("openssl", "openssl"),
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
        ),
        *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cert.pem"


@pytest.fixture
def authority(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    _Handler.authority = Authority()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"https://127.0.0.1:{server.server_port}")
        # An authority that Microsoft does not list is asked of Microsoft, unless one says otherwise.
        login = partial(azure.identity.ClientSecretCredential, disable_instance_discovery=True)
        monkeypatch.setattr("azure.identity.ClientSecretCredential", login)
        yield _Handler.authority
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def secure_azurite(
    certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Azurite]:
    options = ["--oauth", "basic", "--cert", str(certificate)]
    options += ["--key", str(certificate.with_name("key.pem"))]
    with running_azurite(tmp_path_factory.mktemp("azurite"), "https", *options) as found:
        yield found


def test_a_service_principal(
    authority: Authority, secure_azurite: Azurite, certificate: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "client-secret"
    secret.write_text(f"{SECRET}\n")
    with BlobServiceClient.from_connection_string(
        secure_azurite.connection_string, connection_verify=str(certificate)
    ) as service:
        service.create_container("data").upload_blob("x", b"1")
    way = Azure(CLIENT, Secret(str(secret)), TENANT)
    move(way, f"{secure_azurite.url}/data/x", tmp_path / "x")
    assert (tmp_path / "x").read_text() == "1"
    assert authority.asked[0]["client_id"] == [CLIENT]
    assert authority.asked[0]["scope"] == ["https://storage.azure.com/.default"]


def test_a_wrong_secret(authority: Authority, secure_azurite: Azurite, tmp_path: Path) -> None:
    secret = tmp_path / "client-secret"
    secret.write_text("mistyped")
    with pytest.raises(
        TransferFailed, match=r"the source .* may not be used: Azure refuses"
    ) as told:
        move(
            Azure(CLIENT, Secret(str(secret)), TENANT),
            f"{secure_azurite.url}/data/x",
            tmp_path / "x",
        )
    assert "wrong secret" in str(told.value)
    assert "mistyped" not in str(told.value)
    assert content(tmp_path) == {"client-secret": "mistyped"}
