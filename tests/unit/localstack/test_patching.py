"""A process that has run a stack has moto as it comes from the shelf again."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from moto.core.config import default_user_config

from covalent_localstack import dynamodb, events, lambdas, patching, s3, step_functions

Client = Callable[[str], Any]
REPAIRS = (patching, lambdas, dynamodb, s3, events, step_functions)


def moto() -> dict[tuple[str, str], Any]:
    """Everything that moto's modules and classes define."""
    found: dict[tuple[str, str], Any] = {}
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith("moto."):
            continue
        for name, value in list(vars(module).items()):
            found[module_name, name] = value
            if isinstance(value, type) and value.__module__ == module_name:
                found |= {
                    (f"{module_name}.{name}", each): vars(value)[each] for each in vars(value)
                }
    return found


def test_every_repair_is_taken_back() -> None:
    before, settings = moto(), dict(default_user_config)
    for module in REPAIRS:
        module.install()
    try:
        repaired = moto()
        assert sum(repaired.get(key) is not before[key] for key in before) > len(REPAIRS)
    finally:
        patching.undo()
    after = moto()
    assert not [key for key in before if after.get(key) is not before[key]]
    assert dict(default_user_config) == settings


def test_what_was_inherited_is_inherited_again() -> None:
    class Base:
        name = "inherited"

    class Derived(Base):
        pass

    patching.replace(Derived, "name", "own")
    patching.replace(Derived, "name", "another")
    assert Derived.name == "another"
    patching.undo()
    assert "name" not in vars(Derived)
    with pytest.raises(KeyError):
        patching.replace_item({}, "absent", 1)


@pytest.mark.usefixtures("aws")
def test_what_was_made_is_not_kept(client: Client) -> None:
    from moto.dynamodb.models.dynamo_type import Item

    kept = len(Item.instances_tracked)
    item = {"pk": {"S": "kept?"}, "sk": {"S": "s"}}
    client("dynamodb").put_item(TableName="covalent", Item=item)
    assert len(Item.instances_tracked) == kept


def test_answers_have_request_ids_of_their_own(client: Client) -> None:
    dynamodb = client("dynamodb")
    ids = {dynamodb.list_tables()["ResponseMetadata"]["RequestId"] for _ in range(3)}
    assert len(ids) == 3


def test_a_request_id_that_is_there_stays() -> None:
    headers = {"x-amzn-requestid": "mine"}
    patching._request_id(headers)
    assert headers == {"x-amzn-requestid": "mine"}
