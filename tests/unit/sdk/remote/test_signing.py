"""Signed requests to a deployment: against a loopback API Gateway that checks every signature with botocore."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sdk.remote.gateway import ARN, REGION, Gateway, Key, Refused

from covalent._dispatch.address import Endpoint, resolve
from covalent._dispatch.client import Client, connect
from covalent._dispatch.connection import ATTEMPTS, THROTTLED_ATTEMPTS, Connection
from covalent._dispatch.credentials import Credentials
from covalent._dispatch.gateway import Refusal, refusal_of
from covalent._dispatch.problems import Overloaded
from covalent._dispatch.signing import Signature, WrongClock
from covalent._dispatch.submit import send
from covalent._shared_files.config import set_config
from covalent_contracts import errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from covalent._dispatch.packaging import Package


@pytest.fixture
def deployed(gateway: Gateway, pauses: list[float]) -> Iterator[Client]:
    """A client of the gateway."""
    connection = Connection(resolve("prod"), sleep=pauses.append)
    yield Client(connection)
    connection.close()


@pytest.fixture(autouse=True, params=["problems", "messages"])
def format_of_refusals(gateway: Gateway, request: pytest.FixtureRequest) -> None:
    """API Gateway's own answers may be ours, or as it writes them for an API that was not told."""
    gateway.writes_problems = request.param == "problems"


def refused(client: Client) -> str:
    with pytest.raises(errors.Refused) as caught:
        client.dispatches()
    return str(caught.value)


def test_a_dispatch_is_signed_and_its_objects_are_not(
    deployed: Client, gateway: Gateway, package: Package
) -> None:
    dispatch_id = send(deployed, package)
    assert gateway.plane.objects == dict(package.objects)
    assert deployed.summary(dispatch_id).nodes == 6
    assert deployed.dispatches(limit=3, cursor="a b/c+d=&é~").dispatches
    assert dict(gateway.plane.requests[-1].url.params)["cursor"] == "a b/c+d=&é~"
    assert set(gateway.used) == {"AKIATEST"}


def test_health_needs_no_credentials(
    deployed: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert deployed.health().wire == 1
    assert gateway.unsigned == [True]


def test_a_session_token_is_signed_too(
    deployed: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.keys = {"ASIATEST": Key("other", "a-token")}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token")
    deployed.dispatches()
    assert gateway.used == ["ASIATEST"]


@given(st.text(max_size=30), st.binary(max_size=100))
def test_botocore_agrees_on_every_query_and_body(cursor: str, body: bytes) -> None:
    """The signature is that of the request as it goes over the wire, whatever is in it."""
    from tests.unit.sdk.remote.conftest import ControlPlane as Plane

    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"dispatches": []})

    endpoint = Endpoint("http://127.0.0.1:9/a stage", region=REGION)
    credentials = Credentials()
    from botocore.credentials import Credentials as Found

    credentials._found = Found("AKIATEST", "secret")
    connection = Connection(
        endpoint, httpx.MockTransport(handle), permission=Signature(endpoint, credentials)
    )
    connection.ask("POST", "/api/v1/x", body, {"cursor": cursor})
    [request] = seen
    gateway = Gateway(Plane(), port=9)
    path = request.url.raw_path.decode()
    headers = dict(request.headers.items())
    assert gateway._identify("POST", path, headers, request.content) == "AKIATEST"
    with pytest.raises(Refused, match="does not match"):
        gateway._identify("POST", path, headers, request.content + b"!")


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_wrong_clock_is_told_once_and_does_not_matter(
    deployed: Client, gateway: Gateway, hours: int
) -> None:
    gateway.ahead = hours * 3600
    with pytest.warns(WrongClock, match="180 minutes (slow|fast)"):
        deployed.dispatches()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        deployed.dispatches()
    assert len(gateway.used) == 2


def test_a_clock_that_is_set_meanwhile_is_believed_again(
    deployed: Client, gateway: Gateway
) -> None:
    gateway.ahead = 3600
    with pytest.warns(WrongClock):
        deployed.dispatches()
    gateway.ahead = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", WrongClock)
        deployed.dispatches()
    assert len(gateway.used) == 2


def test_threads_that_find_the_clock_wrong_together_all_get_through(
    deployed: Client, gateway: Gateway
) -> None:
    gateway.ahead = 3600
    with pytest.warns(WrongClock) as told, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: deployed.dispatches(), range(8)))
    assert [each.category for each in told].count(WrongClock) == 1
    assert len(gateway.used) == 8


def test_a_gateway_that_calls_a_right_clock_wrong_is_not_asked_for_ever(
    deployed: Client, gateway: Gateway
) -> None:
    gateway.faults = [Refused(403, "Signature expired: now", "InvalidSignatureException")] * 9
    assert "clock of this machine" in refused(deployed)
    assert len(gateway.faults) == 8


def test_no_credentials(deployed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    message = refused(deployed)
    assert "aws configure" in message
    assert "AWS_PROFILE" in message


def test_an_aws_profile_that_is_not_there(
    deployed: Client, monkeypatch: pytest.MonkeyPatch, aws_files: Path
) -> None:
    (aws_files / "config").write_text("[profile work]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_PROFILE", "wrok")
    message = refused(deployed)
    assert "wrok" in message
    assert "There are: work" in message


def test_an_sso_session_that_has_ended(
    deployed: Client, monkeypatch: pytest.MonkeyPatch, aws_files: Path
) -> None:
    (aws_files / "config").write_text(
        "[profile work]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n"
        "[sso-session corp]\nsso_start_url = https://corp.test/start\nsso_region = eu-west-1\n"
        "sso_registration_scopes = sso:account:access\n"
    )
    monkeypatch.setenv("HOME", str(aws_files))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert "run `aws sso login --profile work`" in refused(deployed)


def test_an_aws_configuration_that_cannot_be_read(deployed: Client, aws_files: Path) -> None:
    (aws_files / "config").write_text("[default\n")
    message = refused(deployed)
    assert str(aws_files / "config") in message
    assert "repair the AWS configuration" in message


def test_half_a_credential(deployed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "incomplete" in refused(deployed)


def test_a_broken_credential_process(
    deployed: Client, monkeypatch: pytest.MonkeyPatch, aws_files: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    command = f"{sys.executable} -c \"raise SystemExit('no card in the reader')\""
    (aws_files / "config").write_text(f"[default]\ncredential_process = {command}\n")
    assert "no card in the reader" in refused(deployed)


def test_credentials_that_end_are_replaced_in_time(
    deployed: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, aws_files: Path
) -> None:
    """botocore asks again within the last minutes of a session; we must ask botocore for each request."""
    script = aws_files / "vault.py"
    script.write_text(
        "import json, datetime as d, pathlib\n"
        f"count = pathlib.Path({str(aws_files / 'count')!r})\n"
        "n = int(count.read_text()) + 1 if count.exists() else 0\n"
        "count.write_text(str(n))\n"
        "end = (d.datetime.now(d.UTC) + d.timedelta(minutes=5)).isoformat()\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'ASIA{n}', 'SecretAccessKey': f's{n}', "
        "'SessionToken': f't{n}', 'Expiration': end}))\n"
    )
    (aws_files / "config").write_text(
        f"[default]\ncredential_process = {sys.executable} {script}\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    gateway.keys = {f"ASIA{n}": Key(f"s{n}", f"t{n}") for n in range(9)}
    for _ in range(2):
        deployed.dispatches()
    assert len(set(gateway.used)) == 2


def test_a_session_renewed_elsewhere_is_found(
    deployed: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, aws_files: Path
) -> None:
    def write(name: str) -> None:
        (aws_files / "credentials").write_text(
            f"[default]\naws_access_key_id = {name}\naws_secret_access_key = s\naws_session_token = t\n"
        )

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    gateway.keys = {"ASIAOLD": Key("s", "t", has_ended=True), "ASIANEW": Key("s", "t")}
    gateway.on_refusal = lambda: write("ASIANEW")
    write("ASIAOLD")
    deployed.dispatches()
    assert gateway.used == ["ASIANEW"]


def test_a_session_that_has_ended(deployed: Client, gateway: Gateway) -> None:
    gateway.keys = {"AKIATEST": Key("secret", has_ended=True)}
    message = refused(deployed)
    assert "aws sso login" in message
    assert "is expired" in message


def test_an_unknown_key(deployed: Client, gateway: Gateway) -> None:
    gateway.keys = {}
    assert "aws configure list" in refused(deployed)


def test_a_wrong_secret(
    deployed: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "secret key does not belong" in refused(deployed)


def test_a_wrong_region(gateway: Gateway) -> None:
    set_config("profiles.prod.region", "us-east-1")
    message = refused(Client(Connection(resolve("prod"))))
    assert "made for us-east-1" in message
    assert "profiles.prod.region" in message


def test_a_missing_permission_names_caller_action_and_resource(
    deployed: Client, gateway: Gateway
) -> None:
    gateway.denied = True
    message = refused(deployed)
    resource = f"arn:aws:execute-api:{REGION}:********9012:abc123/api"
    assert f"{ARN} may not call" in message
    assert f"execute-api:Invoke on {resource}/GET/api/v1/dispatches" in message
    assert f"{resource}/*" in message


def test_an_explicit_deny_is_not_cured_by_permissions(deployed: Client, gateway: Gateway) -> None:
    said = f"User: {ARN} is not authorized to perform: execute-api:Invoke with an explicit deny"
    gateway.faults = [Refused(403, said, "AccessDeniedException", "Message")]
    message = refused(deployed)
    assert "denies that explicitly" in message
    assert "Attach" not in message


def test_who_may_not_is_asked_of_sts_if_the_answer_does_not_say(
    deployed: Client, gateway: Gateway
) -> None:
    gateway.faults = [Refused(403, "Access denied", "AccessDeniedException")]
    message = refused(deployed)
    assert f"{ARN} may not call" in message
    assert f"arn:aws:execute-api:{REGION}:*:" in message


def test_an_api_that_is_not_there(deployed: Client, gateway: Gateway) -> None:
    gateway.is_there = False
    with pytest.raises(errors.Unavailable, match="covalent deploy status"):
        deployed.dispatches()


def test_a_route_that_is_not_there(deployed: Client, gateway: Gateway) -> None:
    with pytest.raises(
        errors.Unavailable, match=r"no GET /api/v2.*another version.*covalent doctor"
    ):
        deployed.connection.call("GET", "/api/v2/dispatches")


def test_the_control_planes_own_refusal_is_no_gateways(deployed: Client, gateway: Gateway) -> None:
    own = {"title": "t", "status": 403, "detail": "why", "code": "Refused"}
    gateway.plane.faults = [httpx.Response(403, json=own)]
    assert "covalent doctor" in refused(deployed)


def test_a_request_that_is_too_large(deployed: Client, gateway: Gateway) -> None:
    gateway.faults = [Refused(413, "Request Too Long", "RequestTooLargeException")]
    with pytest.raises(
        errors.LimitExceeded, match=r"413: Request Too Long: .*10 MB.*divide"
    ) as error:
        deployed.dispatches()
    assert (error.value.limit, error.value.number) == ("size of a request", 10 * 1024 * 1024)


def test_throttling_is_waited_out(deployed: Client, gateway: Gateway, pauses: list[float]) -> None:
    busy = Refused(429, "Too Many Requests", "TooManyRequestsException")
    gateway.faults = [busy] * (THROTTLED_ATTEMPTS - 1)
    deployed.dispatches()
    assert len(pauses) == THROTTLED_ATTEMPTS - 1
    gateway.faults = [busy] * THROTTLED_ATTEMPTS
    with pytest.raises(Overloaded, match="throttle"):
        deployed.dispatches()


def test_a_gateway_that_gives_up_waiting_is_asked_again(deployed: Client, gateway: Gateway) -> None:
    late = Refused(504, "Endpoint request timed out", "InternalServerErrorException")
    gateway.faults = [late] * (ATTEMPTS - 1)
    deployed.dispatches()
    gateway.faults = [late] * ATTEMPTS
    with pytest.raises(Overloaded, match=r"504: Endpoint request timed out: .*/aws/lambda/"):
        deployed.dispatches()


@pytest.mark.parametrize(
    "url",
    [
        "https://abc.execute-api.eu-west-1.amazonaws.com.evil.test/api/v1/x",
        "http://localhost:1/api/v1/x",
    ],
)
def test_nothing_is_signed_for_another_host(url: str, gateway: Gateway) -> None:
    endpoint = Endpoint("https://abc.execute-api.eu-west-1.amazonaws.com", region=REGION)
    request = httpx.Request("GET", url)
    with pytest.raises(errors.Refused, match="not signed"):
        Signature(endpoint).prove(request)
    assert "Authorization" not in request.headers


def test_a_redirect_takes_no_signature_along(deployed: Client, gateway: Gateway) -> None:
    gateway.plane.faults = [httpx.Response(302, headers={"Location": "http://elsewhere.test/"})]
    with pytest.raises(errors.CovalentError, match="302"):
        deployed.dispatches()


def test_a_request_that_failed_can_be_found_in_the_logs(deployed: Client, gateway: Gateway) -> None:
    gateway.answer = lambda *_: httpx.Response(  # type: ignore[method-assign]  # the only answer
        418, text="?", headers={"x-amzn-RequestId": "4711"}
    )
    with pytest.raises(errors.CovalentError, match="request 4711"):
        deployed.dispatches()


def test_another_aws_profile_is_another_client(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = connect("prod")
    assert connect("prod") is first
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert connect("prod") is not first


def test_who_logs_in_after_a_refusal_gets_through(
    deployed: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, aws_files: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    failing = f'{sys.executable} -c "raise SystemExit(1)"'
    (aws_files / "config").write_text(f"[default]\ncredential_process = {failing}\n")
    refused(deployed)
    (aws_files / "config").write_text("")
    (aws_files / "credentials").write_text(
        "[default]\naws_access_key_id = AKIATEST\naws_secret_access_key = secret\n"
    )
    deployed.dispatches()
    assert gateway.used == ["AKIATEST"]


@pytest.mark.parametrize(
    ("number", "tries"), [(socket.EAI_AGAIN, ATTEMPTS), (socket.EAI_NONAME, 1)]
)
def test_a_name_server_that_does_not_answer_is_asked_again(number: int, tries: int) -> None:
    asked = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("no") from socket.gaierror(number, "no answer")

    endpoint = Endpoint("https://a.execute-api.eu-west-1.amazonaws.com", region=REGION)
    connection = Connection(endpoint, httpx.MockTransport(handle), sleep=lambda _: None)
    with pytest.raises(errors.Unavailable, match="has no address"):
        connection.ask("GET", "/api/v1/health", is_public=True)
    assert len(asked) == tries


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"message": "Missing Authentication Token"}, Refusal.NO_ROUTE),
        ({"message": "Forbidden"}, Refusal.NO_API),
        ({"message": "The security token included in the request is expired"}, Refusal.ENDED),
        ({"message": "Signature not yet current: x"}, Refusal.SKEWED),
        (
            {"Message": "User: anonymous is not authorized to perform: execute-api:Invoke"},
            Refusal.DENIED,
        ),
        ({"message": "something new"}, None),
        ({"code": "Refused", "message": "Forbidden"}, None),
        (["Forbidden"], None),
    ],
)
def test_refusals_are_told_apart(body: object, kind: Refusal | None) -> None:
    assert refusal_of(httpx.Response(403, content=json.dumps(body))) is kind
    assert refusal_of(httpx.Response(200, content=json.dumps(body))) is None


def test_botocore_is_loaded_for_a_deployment_only(gateway: Gateway) -> None:
    def loaded(name: str) -> set[str]:
        code = (
            "import sys; from covalent._dispatch.client import connect\n"
            f"try: connect({name!r}).dispatches()\n"
            "except Exception as exc: print(type(exc).__name__)\n"
            "print(*sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        return set(done.stdout.split())

    local, prod = loaded("localhost:1"), loaded("prod")
    assert "Unavailable" in local
    assert not {"botocore", "boto3", "covalent._dispatch.signing"} & local
    assert "botocore.auth" in prod
    assert not {"boto3", "covalent_step_functions"} & prod
    assert gateway.used


def test_without_botocore_the_message_says_what_to_install(
    deployed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == "botocore"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(errors.CovalentError, match=r"pip install 'covalent-serverless\[aws\]'"):
        deployed.dispatches()
