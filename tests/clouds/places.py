"""The clouds and a server whose bridge reaches them, and each cloud's executor with what it needs there."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.clouds import azure, durable_host, google, google_tasks
from tests.clouds.world import APP, world
from tests.running import Server

import covalent as ct
from covalent.executor import (
    AzureBatchExecutor,
    AzureFunctionsExecutor,
    GCPBatchExecutor,
    GCPFunctionsExecutor,
)


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with world(tmp_path_factory.mktemp("clouds")):
        yield


@pytest.fixture(scope="module")
def server(clouds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose bridge reaches the clouds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COVALENT_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
        ct.reload_config()
        found = Server(tmp_path_factory.mktemp("covalent"), "clouds-token")
        found.start()
        yield found
        found.stop()
    ct.reload_config()


def azurebatch(**settings: Any) -> AzureBatchExecutor:
    given: dict[str, Any] = {
        "tenant_id": azure.TENANT,
        "client_id": azure.CLIENT,
        "client_secret": azure.SECRET,
        "batch_account_url": f"https://{azure.ACCOUNT}",
        "pool_id": "covalent-pool",
        "poll_freq": 1,
        "retries": 0,
    }
    return AzureBatchExecutor(**(given | settings))


def gcpbatch(**settings: Any) -> GCPBatchExecutor:
    given: dict[str, Any] = {
        "project_id": google.PROJECT,
        "container_image_uri": "python:3.11",
        "service_account_email": google_tasks.CALLER,
        "credentials": google.key(),
        "poll_freq": 1,
        "retries": 0,
    }
    return GCPBatchExecutor(**(given | settings))


def azurefunctions(**settings: Any) -> AzureFunctionsExecutor:
    given: dict[str, Any] = {
        "function_app_url": f"https://{APP}",
        "system_key": durable_host.KEY,
        "poll_freq": 1,
        "retries": 0,
    }
    return AzureFunctionsExecutor(**(given | settings))


def gcpfunctions(**settings: Any) -> GCPFunctionsExecutor:
    given: dict[str, Any] = {
        "project_id": google.PROJECT,
        "service_account_email": google_tasks.CALLER,
        "credentials": google.key(),
        "poll_freq": 1,
        "retries": 0,
    }
    return GCPFunctionsExecutor(**(given | settings))
