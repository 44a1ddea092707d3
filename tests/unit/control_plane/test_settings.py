import dataclasses
import json

import pytest
from tests.unit.control_plane.conftest import ALICE, BOB, ENVIRONMENT, LAB

from covalent_contracts.errors import Unavailable
from covalent_contracts.ids import owner_of
from covalent_control_plane.settings import Settings
from covalent_executors.place import Batch, Ecs


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
        ("COVALENT_SSO_OWNERS", "everyone"),
        ("COVALENT_MACHINE_LOG_GROUP", "/aws/vendedlogs/states/covalent"),
        ("COVALENT_MACHINE_TRACING", "on"),
        ("COVALENT_SHARED_WITH", "not json"),
        ("COVALENT_SHARED_WITH", "[]"),
        ("COVALENT_SHARED_WITH", json.dumps({ALICE: LAB})),
        ("COVALENT_SHARED_WITH", json.dumps({ALICE: ["bob"]})),
        ("COVALENT_SHARED_WITH", json.dumps({ALICE: [7]})),
        ("COVALENT_BATCH", "not json"),
        ("COVALENT_BATCH", "[]"),
        ("COVALENT_BATCH", json.dumps({"queue": "q"})),
        ("COVALENT_ECS", json.dumps({"cluster": "c", "nonsense": 1})),
    ],
)
def test_what_is_missing_or_malformed_is_named(name: str, value: str) -> None:
    with pytest.raises(Unavailable, match=name):
        Settings.read(ENVIRONMENT | {name: value})


def test_a_deployment_may_stop_its_runners() -> None:
    assert Settings.read(ENVIRONMENT | {"COVALENT_RUNNER_SECONDS": "900"}).runner_seconds == 900


def test_who_may_read_whose_dispatches_is_told_by_principals() -> None:
    shared = {ALICE: [BOB], LAB: [], BOB: [ALICE]}
    settings = Settings.read(ENVIRONMENT | {"COVALENT_SHARED_WITH": json.dumps(shared)})
    alice, lab = owner_of(ALICE), owner_of(LAB)
    assert settings.shared_with == {alice: {lab}, lab: {alice}}
    assert Settings.read(ENVIRONMENT).shared_with == {}


def test_machines_log_and_are_traced_where_that_is_asked_for() -> None:
    group = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/states/covalent"
    for arn in (group, f"{group}:*"):
        asked = {"COVALENT_MACHINE_LOG_GROUP": arn, "COVALENT_MACHINE_TRACING": "true"}
        settings = Settings.read(ENVIRONMENT | asked)
        assert (settings.machine_logs, settings.machine_tracing) == (group, True)
    settings = Settings.read(ENVIRONMENT)
    assert (settings.machine_logs, settings.machine_tracing) == (None, False)


def test_batch_and_ecs_are_there_where_the_deployment_has_made_them() -> None:
    assert (Settings.read(ENVIRONMENT).batch, Settings.read(ENVIRONMENT).ecs) == (None, None)
    batch = {"queue": "q", "definitions": {"3.11": "d"}, "gpu_queue": "g", "is_fargate": True}
    ecs = {"cluster": "c", "definitions": {"3.11": "d"}, "subnets": ["s"], "security_groups": ["g"]}
    made = {"COVALENT_BATCH": json.dumps(batch), "COVALENT_ECS": json.dumps(ecs)}
    settings = Settings.read(ENVIRONMENT | made)
    assert settings.batch == Batch("q", {"3.11": "d"}, gpu_queue="g", is_fargate=True)
    assert settings.ecs == Ecs("c", {"3.11": "d"}, ["s"], ["g"])


def test_people_of_identity_center_are_owners_unless_told_otherwise() -> None:
    assert Settings.read(ENVIRONMENT).people
    assert not Settings.read(ENVIRONMENT | {"COVALENT_SSO_OWNERS": "role"}).people
