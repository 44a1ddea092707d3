"""The offline deployment is made as the control plane wants it."""

from typing import Any

import boto3
from moto import mock_aws

from covalent_control_plane import items
from covalent_localstack import bootstrap, environment


def _keys(schema: list[dict[str, str]]) -> list[str]:
    return [each["AttributeName"] for each in sorted(schema, key=lambda each: each["KeyType"])]


def test_the_table_is_the_one_that_the_models_describe() -> None:
    with mock_aws():
        bootstrap._table()
        client: Any = boto3.client("dynamodb", region_name=environment.REGION)
        made = client.describe_table(TableName=environment.TABLE)["Table"]
    wanted = items.DispatchItem._get_schema()
    types = {
        each["AttributeName"]: each["AttributeType"] for each in wanted["attribute_definitions"]
    }
    assert types == {
        each["AttributeName"]: each["AttributeType"] for each in made["AttributeDefinitions"]
    }
    assert _keys(made["KeySchema"]) == ["pk", "sk"]
    assert {
        each["IndexName"]: (_keys(each["KeySchema"]), each["Projection"])
        for each in made["GlobalSecondaryIndexes"]
    } == {
        each["index_name"]: (_keys(each["key_schema"]), each["projection"])
        for each in wanted["global_secondary_indexes"]
    }
    assert {each["index_name"] for each in wanted["global_secondary_indexes"]} == {
        items.BY_OWNER,
        items.BY_STARTING,
    }
