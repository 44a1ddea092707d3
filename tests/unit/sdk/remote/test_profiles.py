from __future__ import annotations

import pytest

from covalent._dispatch.address import Endpoint, region_of, resolve
from covalent._shared_files.config import get_config, set_config
from covalent._shared_files.exceptions import InvalidConfig
from covalent._shared_files.profiles import UnknownProfile

HOST = "abc123.execute-api.eu-west-1.amazonaws.com"
PROD = Endpoint(f"https://{HOST}", None, "eu-west-1", "prod", "p", "1.2.3")
LOCAL = Endpoint("http://localhost:48008", "t")


@pytest.fixture(autouse=True)
def _profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVALENT_PROFILE", raising=False)
    set_config(
        {
            "dispatcher.address": "localhost",
            "dispatcher.port": 48008,
            "dispatcher.token": "t",
            "profiles.prod": {
                "address": f"https://{HOST}/",
                "region": "eu-west-1",
                "prefix": "p",
                "version": "1.2.3",
            },
            "profiles.custom": {"address": "https://covalent.corp.test/x", "region": "us-east-2"},
            "profiles.lab": {"address": "http://10.0.0.7:48008", "token": "lab's"},
        }
    )


def test_without_a_choice_everything_is_as_before() -> None:
    assert resolve() == LOCAL
    assert resolve("localhost:48008") == LOCAL
    assert resolve("localhost:1") == Endpoint("http://localhost:1")


def test_the_configuration_chooses() -> None:
    set_config("dispatcher.profile", "prod")
    assert resolve() == PROD
    assert resolve("local") == LOCAL


def test_the_environment_wins_over_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    set_config("dispatcher.profile", "prod")
    monkeypatch.setenv("COVALENT_PROFILE", "custom")
    assert resolve() == Endpoint("https://covalent.corp.test/x", None, "us-east-2", "custom")
    monkeypatch.setenv("COVALENT_PROFILE", "local")
    assert resolve() == LOCAL
    monkeypatch.setenv("COVALENT_PROFILE", "")
    assert resolve() == PROD


def test_the_environment_is_never_written_to_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVALENT_PROFILE", "prod")
    set_config("dispatcher.port", 1)
    assert get_config("dispatcher.profile") == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("prod", PROD),
        (f"https://{HOST}", PROD),
        (HOST, PROD),
        ("lab", Endpoint("http://10.0.0.7:48008", "lab's", profile="lab")),
        ("10.0.0.7:48008", Endpoint("http://10.0.0.7:48008", "lab's", profile="lab")),
        ("https://covalent.corp.test", Endpoint("https://covalent.corp.test")),
        (
            "https://other.execute-api.us-east-1.amazonaws.com/x",
            Endpoint("https://other.execute-api.us-east-1.amazonaws.com/x", None, "us-east-1"),
        ),
        ("localhost:48008", LOCAL),
        ("db.internal", Endpoint("http://db.internal:48008")),
    ],
)
@pytest.mark.parametrize("chosen", ["", "prod", "lab"])
def test_the_argument_wins(given: str, expected: Endpoint, chosen: str) -> None:
    set_config("dispatcher.profile", chosen)
    assert resolve(given) == expected


def test_an_unknown_profile_lists_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownProfile, match="custom, lab, local, prod"):
        resolve("prd")
    monkeypatch.setenv("COVALENT_PROFILE", "prd")
    with pytest.raises(UnknownProfile, match="custom, lab, local, prod"):
        resolve()


def test_a_word_is_a_host_where_there_are_no_profiles() -> None:
    set_config("profiles", {})
    assert resolve("covalent") == Endpoint("http://covalent:48008")


def test_a_profile_may_be_called_local() -> None:
    set_config("profiles.local", {"address": "http://localhost:7"})
    assert resolve("local").url == "http://localhost:7"


def test_a_profile_of_the_configured_server_has_its_token() -> None:
    set_config("profiles.here", {"address": "http://127.0.0.1:48008"})
    assert resolve("here").token == "t"


@pytest.mark.parametrize(
    "section", [{}, {"region": "eu-west-1"}, {"address": ""}, {"address": 1}, "https://x", ["x"]]
)
def test_a_profile_that_cannot_be_used_names_itself(section: object) -> None:
    set_config("profiles.bad", section)
    with pytest.raises(InvalidConfig, match=r"\[profiles\.bad\]"):
        resolve("bad")
    assert resolve(f"https://{HOST}") == PROD  # nobody else minds


def test_an_address_that_cannot_be_read_names_the_profile() -> None:
    set_config("profiles.bad", {"address": "ftp://x"})
    with pytest.raises(ValueError, match=r"profiles\.bad\.address"):
        resolve("bad")
    assert resolve(f"https://{HOST}") == PROD


def test_a_region_that_contradicts_the_address() -> None:
    set_config("profiles.prod.region", "us-east-1")
    with pytest.raises(InvalidConfig, match=r"region us-east-1.*is in eu-west-1"):
        resolve("prod")


def test_a_token_never_goes_to_a_deployment() -> None:
    set_config({"dispatcher.address": f"https://{HOST}", "profiles": {}})
    assert resolve() == Endpoint(f"https://{HOST}", None, "eu-west-1")
    set_config("profiles.prod", {"address": "https://x.test", "region": "eu-west-1", "token": "t"})
    assert resolve("prod").token is None


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (HOST, "eu-west-1"),
        ("abc.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("abc-vpce-1.execute-api.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("vpce-1.execute-api.us-east-1.vpce.amazonaws.com", "us-east-1"),
        ("abc.execute-api.eu-west-1.amazonaws.com.evil.test", None),
        ("execute-api.eu-west-1.example.org", None),
        ("localhost", None),
    ],
)
def test_the_region_of_a_host(host: str, region: str | None) -> None:
    assert region_of(host) == region
