from __future__ import annotations

import pytest

from covalent._dispatch import address
from covalent._shared_files.config import set_config


@pytest.fixture
def _token() -> None:
    set_config(
        {"dispatcher.address": "localhost", "dispatcher.port": 48008, "dispatcher.token": "t"}
    )


@pytest.mark.usefixtures("_token")
@pytest.mark.parametrize(
    ("given", "url", "token"),
    [
        (None, "http://localhost:48008", "t"),
        ("localhost:48008", "http://localhost:48008", "t"),
        ("127.0.0.1:48008", "http://127.0.0.1:48008", "t"),
        ("http://[::1]:48008/", "http://[::1]:48008", "t"),
        ("localhost", "http://localhost:48008", "t"),
        ("localhost:1", "http://localhost:1", None),
        ("https://localhost:48008", "https://localhost:48008", None),
        ("example.org:48008", "http://example.org:48008", None),
        ("https://api.example.org/prod/", "https://api.example.org/prod", None),
    ],
)
def test_the_token_goes_to_the_configured_address_only(
    given: str | None, url: str, token: str | None
) -> None:
    endpoint = address.resolve(given)
    assert (endpoint.url, endpoint.token) == (url, token)


@pytest.mark.parametrize("given", ["", "ftp://host", "host:port", "http://"])
def test_an_address_that_cannot_be_read_names_the_setting(given: str) -> None:
    with pytest.raises(ValueError, match="dispatcher_addr"):
        address.resolve(given)


def test_a_configured_url_needs_no_port() -> None:
    set_config({"dispatcher.address": "https://api.example.org/prod", "dispatcher.token": "t"})
    endpoint = address.resolve()
    assert (endpoint.url, endpoint.token) == ("https://api.example.org/prod", "t")
    assert "t'" not in repr(endpoint)


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [("http://127.0.0.1:1", True), ("https://localhost", False), ("http://example.org", False)],
)
def test_only_this_machine_without_tls_is_loopback(url: str, is_loopback: bool) -> None:
    assert address.Endpoint(url).is_loopback is is_loopback
