import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.executors.elsewhere import ARN, ElsewhereContract

from covalent.executor import AzureBatchExecutor
from covalent_contracts.errors import InvalidWorkflow
from covalent_executors import registry
from covalent_executors.adapter import State
from covalent_executors.azurebatch import states
from covalent_executors.azurebatch.adapter import _job_id
from covalent_executors.azurebatch.spec import NAME

LOGIN: Mapping[str, Any] = {
    "tenant_id": "tenant-id",
    "client_id": "client-id",
    "client_secret": "client-secret",
}
ACCOUNT: Mapping[str, Any] = {
    "batch_account_url": "https://covalent.eastus.batch.azure.com",
    "pool_id": "covalent-pool",
}


class TestAzureBatch(ElsewhereContract):
    executor = AzureBatchExecutor
    defaults: ClassVar[Mapping[str, Any]] = {
        "batch_account_domain": "batch.core.windows.net",
        "storage_account_domain": "blob.core.windows.net",
        "retries": 3,
        "time_limit": 300,
        "cache_dir": "/tmp/covalent",
        "poll_freq": 10,
        "container_image_uri": "",
    }
    required: ClassVar[Mapping[str, Any]] = ACCOUNT
    example: ClassVar[Mapping[str, Any]] = {
        "tenant_id": "tenant-id",
        "client_id": "client-id",
        "client_secret": ARN,
        **ACCOUNT,
        "batch_account_domain": "batch.core.windows.net",
        "storage_account_name": "covalentbatch",
        "storage_account_domain": "blob.core.windows.net",
        "retries": 3,
        "time_limit": 300,
        "cache_dir": "/tmp/covalent",
        "poll_freq": 10,
    }
    positional = (
        *("tenant_id", "client_id", "client_secret", "batch_account_url", "batch_account_domain"),
        *("storage_account_name", "storage_account_domain", "pool_id", "retries", "time_limit"),
        *("cache_dir", "poll_freq"),
    )
    misspelt: ClassVar[Mapping[str, str]] = {"pool": "pool_id", "tenant": "tenant_id"}
    refused = (
        ({"pool_id": None}, "pattern"),
        ({"pool_id": "a pool"}, "pattern"),
        ({"batch_account_url": None}, "pattern"),
        ({"batch_account_url": "covalent.eastus.batch.azure.com"}, "https://"),
        ({"batch_account_url": "http://covalent.eastus.batch.azure.com"}, "https://"),
        ({"poll_freq": 0}, "greater than 0"),
    )
    secrets = ("client_secret",)
    native_states: ClassVar[Mapping[Any, Any]] = {
        "active": State.PENDING,
        "preparing": State.PENDING,
        "running": State.RUNNING,
        "completed": State.ENDED,
    }
    literals: ClassVar[Mapping[str, Any]] = {**LOGIN, **ACCOUNT}

    def read(self, native: Any) -> Any:
        return states.sighting(SimpleNamespace(state=native, execution_info=None)).state

    @pytest.mark.parametrize("missing", sorted(LOGIN))
    def test_a_login_is_whole(self, missing: str) -> None:
        with pytest.raises(InvalidWorkflow, match=f"azurebatch.*{missing}: needed to log in"):
            self.compiled(**{**self.example, missing: None})

    def test_offline_the_machine_may_be_logged_in(self) -> None:
        settings = {**self.example, **dict.fromkeys(LOGIN)}
        attributes = self.attributes(**settings)
        registry.task("azurebatch", attributes, self.place, "3.11")
        with pytest.raises(InvalidWorkflow, match="tenant_id, client_id, client_secret"):
            registry.task("azurebatch", attributes, self.on_aws, "3.11")


@given(st.from_regex(NAME, fullmatch=True))
def test_the_job_of_a_pool_has_a_name_that_azure_takes(pool: str) -> None:
    name = _job_id(pool)
    assert re.fullmatch(NAME, name)
    assert name != _job_id(f"{pool[:-1]}{'a' if pool[-1] != 'a' else 'b'}")
