"""What a deployment says of itself, and the profile in the configuration file."""

import tomllib
from typing import Any

import httpx
import pytest

from covalent._deploy import outputs
from covalent._deploy.errors import DeployError, NameTaken
from covalent._deploy.outputs import Outputs
from covalent._shared_files.config import get_config, set_config
from covalent._shared_files.defaults import config_path

VALUES: dict[str, Any] = {
    "endpoint": "https://abc.execute-api.eu-west-1.amazonaws.com/",
    "region": "eu-west-1",
    "bucket": "lab-123456789012-eu-west-1",
    "table": "lab",
    "runners": {"3.11": "lab-runner-py311"},
    "prefix": "lab",
    "version": "0.1.0",
    "dashboard_url": None,
}
MADE = Outputs.read(VALUES)


def test_reading() -> None:
    assert MADE.endpoint == "https://abc.execute-api.eu-west-1.amazonaws.com"
    assert MADE.dashboard_url == ""


def test_an_incomplete_deployment_says_what_to_do() -> None:
    with pytest.raises(DeployError, match="no endpoint yet") as error:
        Outputs.read({})
    assert "deploy up" in error.value.cure


def test_a_profile_comes_and_goes() -> None:
    set_config("dispatcher.port", 4711)
    outputs.write_profile("lab", MADE)
    outputs.write_profile("other", MADE)
    with config_path().open("rb") as file:
        document = tomllib.load(file)
    assert document["profiles"]["lab"] == {
        "address": MADE.endpoint,
        "region": "eu-west-1",
        "prefix": "lab",
        "version": "0.1.0",
    }
    assert outputs.remove_profile("lab", "eu-west-1", "lab")
    assert outputs.profile("lab") == {}
    assert outputs.profile("other")
    assert outputs.remove_profile("other", "eu-west-1", "lab")
    with config_path().open("rb") as file:
        assert tomllib.load(file).get("profiles", {}) == {}
    assert get_config("dispatcher.port") == 4711


def test_somebody_elses_profile_stays() -> None:
    outputs.write_profile("lab", MADE)
    with pytest.raises(NameTaken, match="lab in eu-west-1") as error:
        outputs.check_profile("lab", "us-east-1", "lab")
    assert "--name" in error.value.cure
    assert not outputs.remove_profile("lab", "us-east-1", "lab")
    outputs.check_profile("lab", "eu-west-1", "lab")
    outputs.check_profile("free", "us-east-1", "lab")
    assert outputs.profile("lab")["address"] == MADE.endpoint


LOCALSTACK = "http://127.0.0.1:4566"


def test_localstack_serves_apis_by_path() -> None:
    made = Outputs.read(VALUES, f"{LOCALSTACK}/")
    assert made.endpoint == f"{LOCALSTACK}/_aws/execute-api/abc"


def test_a_deployment_on_localstack_does_not_take_the_profile_of_one_on_aws() -> None:
    outputs.write_profile("lab", MADE)
    with pytest.raises(NameTaken, match="lab in eu-west-1"):
        outputs.check_profile("lab", "eu-west-1", "lab", LOCALSTACK)
    assert not outputs.remove_profile("lab", "eu-west-1", "lab", LOCALSTACK)
    outputs.write_profile("lab", Outputs.read(VALUES, LOCALSTACK))
    with pytest.raises(NameTaken, match="lab on LocalStack"):
        outputs.check_profile("lab", "eu-west-1", "lab")
    outputs.check_profile("lab", "eu-west-1", "lab", "http://127.0.0.1:4599")
    assert outputs.remove_profile("lab", "eu-west-1", "lab", LOCALSTACK)


def answering(status: int, **document: Any) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == f"{MADE.endpoint}/api/v1/health"
        assert "authorization" not in request.headers
        return httpx.Response(status, json=document)

    return httpx.MockTransport(answer)


def test_health() -> None:
    found = outputs.health(MADE.endpoint, answering(200, version="0.1.0", wire=1, pythons=["3.11"]))
    assert (found.version, found.pythons) == ("0.1.0", ["3.11"])


@pytest.mark.parametrize(
    "transport", [answering(403, message="Forbidden"), answering(200, hello="world")]
)
def test_what_does_not_answer_as_it_should(transport: httpx.MockTransport) -> None:
    with pytest.raises(DeployError, match="/api/v1/health does not answer as it should"):
        outputs.health(MADE.endpoint, transport)
