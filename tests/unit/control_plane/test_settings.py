import dataclasses

import pytest
from tests.unit.control_plane.conftest import ENVIRONMENT

from covalent_contracts.errors import Unavailable
from covalent_control_plane.settings import Settings


def test_everything_is_read_once_and_stays() -> None:
    settings = Settings.read(ENVIRONMENT)
    assert settings.runners == {"3.11": "covalent-runner-py311"}
    assert (settings.partition, settings.account) == ("aws", "123456789012")
    assert settings.prefix == "covalent"
    assert settings.runner_seconds is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.table = "other"  # type: ignore[misc]  # that it is refused is the point


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COVALENT_TABLE", ""),
        ("COVALENT_BUCKET", ""),
        ("COVALENT_RUNNERS", "not json"),
        ("COVALENT_RUNNERS", "[]"),
        ("COVALENT_MACHINE_ROLE", "covalent-machine"),
        ("COVALENT_RUNNER_SECONDS", "15 min"),
    ],
)
def test_what_is_missing_or_malformed_is_named(name: str, value: str) -> None:
    with pytest.raises(Unavailable, match=name):
        Settings.read(ENVIRONMENT | {name: value})


def test_a_deployment_may_stop_its_runners() -> None:
    assert Settings.read(ENVIRONMENT | {"COVALENT_RUNNER_SECONDS": "900"}).runner_seconds == 900
