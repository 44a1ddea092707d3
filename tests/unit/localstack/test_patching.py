from collections.abc import Callable
from typing import Any

import pytest

from covalent_localstack import patching

Client = Callable[[str], Any]


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


def test_a_name_is_replaced_wherever_it_was_imported() -> None:
    from covalent_localstack import pool

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "START_SECONDS", pool.START_SECONDS)
        patching.rebind("covalent_localstack.pool", "START_SECONDS", 1)
        assert pool.START_SECONDS == 1
        patching.rebind("covalent_localstack.pool", "NO_SUCH_NAME", 1)
        assert not hasattr(pool, "NO_SUCH_NAME")
