from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.unit.control_plane.conftest import ENVIRONMENT

from covalent_contracts.errors import Unavailable
from covalent_control_plane import aws as clients
from covalent_control_plane import items
from covalent_control_plane.aws import Aws


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clients, "connect", lambda settings: [settings])
    clients.forget()


def test_threads_share_what_is_built_once() -> None:
    with ThreadPoolExecutor(8) as threads:
        built = list(threads.map(lambda _: clients.aws(), range(8)))
    assert all(each is built[0] for each in built)
    clients.forget()
    assert clients.aws() is not built[0]
    clients.forget()


def test_an_incomplete_deployment_is_named_until_it_is_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("COVALENT_BUCKET")
        with pytest.raises(Unavailable, match="COVALENT_BUCKET"):
            clients.aws()
    assert clients.aws()
    clients.forget()


def test_names_are_made_from_the_role_and_the_region(aws: Aws) -> None:
    start = "arn:aws:states:eu-west-1:123456789012"
    assert aws.machine_arn("m") == f"{start}:stateMachine:m"
    assert aws.execution_arn("m", "d") == f"{start}:execution:m:d"


def test_no_call_waits_longer_than_api_gateway(aws: Aws) -> None:
    table = items.DispatchItem._get_connection().connection.client
    for client in (aws.objects, aws.states, table):
        config: Any = client.meta.config
        tries = config.retries["total_max_attempts"]
        assert tries * (config.connect_timeout + config.read_timeout) < 29
