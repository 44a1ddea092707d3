"""Electrons in the clouds, from dispatch to result: the embedded AWS, its bridge, the vendors' clients, processes."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import azure, durable_host, functions, google, google_tasks
from tests.clouds.containers import killed
from tests.clouds.internet import Site, internet
from tests.e2e.executors.contract import BehaviourContract
from tests.running import Server

import covalent as ct
from covalent.executor import (
    AzureBatchExecutor,
    AzureFunctionsExecutor,
    GCPBatchExecutor,
    GCPFunctionsExecutor,
)

APP = "my-app.azurewebsites.net"


@pytest.fixture(scope="module")
def clouds(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All four, with room for every job."""
    account = azure.Account(azure.pool(), has_nodes=True)
    batch = google.Batch(has_vms=True)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("google")
        port = stack.enter_context(functions.google_function(folder))
        host = stack.enter_context(functions.azure_host(tmp_path_factory.mktemp("azure")))
        tasks = google_tasks.Cloud(lambda: port, log=google_tasks.log_of(folder))

        def logs(request: Any) -> Any:
            return (tasks if b"covalent_job" in request.body else batch).logs(request)

        sites: dict[str, Site] = {
            azure.ACCOUNT: account,
            "login.microsoftonline.com": azure.Login(),
            APP: functions.forwarded(lambda: host),
            **google_tasks.sites(tasks),
            "batch.googleapis.com": batch,
            "logging.googleapis.com": logs,
        }
        stack.enter_context(internet(certificate, sites, patch))
        yield
        killed([task.container for task in account.tasks.values()])
        killed([run.container for run in batch.runs.values()])


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


class TestAzureBatch(BehaviourContract):
    def made(self, **settings: Any) -> Any:
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


class TestGoogleBatch(BehaviourContract):
    def made(self, **settings: Any) -> Any:
        given: dict[str, Any] = {
            "project_id": google.PROJECT,
            "container_image_uri": "python:3.11",
            "service_account_email": google_tasks.CALLER,
            "credentials": google.key(),
            "poll_freq": 1,
            "retries": 0,
        }
        return GCPBatchExecutor(**(given | settings))


class TestAzureFunctions(BehaviourContract):
    def made(self, **settings: Any) -> Any:
        given: dict[str, Any] = {
            "function_app_url": f"https://{APP}",
            "system_key": durable_host.KEY,
            "poll_freq": 1,
            "retries": 0,
        }
        return AzureFunctionsExecutor(**(given | settings))


class TestGoogleFunctions(BehaviourContract):
    def made(self, **settings: Any) -> Any:
        given: dict[str, Any] = {
            "project_id": google.PROJECT,
            "service_account_email": google_tasks.CALLER,
            "credentials": google.key(),
            "poll_freq": 1,
            "retries": 0,
        }
        return GCPFunctionsExecutor(**(given | settings))
