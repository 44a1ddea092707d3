"""Electrons in the clouds, from dispatch to result: the embedded AWS, its bridge, the vendors' clients, processes."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import azure, durable_host, google, places
from tests.clouds.places import clouds, server
from tests.e2e.executors.contract import BehaviourContract

import covalent as ct
from covalent.executor import AzureBatchExecutor, GCPBatchExecutor

__all__ = ["clouds", "server"]
pytestmark = pytest.mark.clouds


class TestAzureBatch(BehaviourContract):
    def made(self, **settings: Any) -> Any:
        return places.azurebatch(**settings)


class TestGoogleBatch(BehaviourContract):
    def made(self, **settings: Any) -> Any:
        return places.gcpbatch(**settings)


class TestAzureFunctions(BehaviourContract):
    def made(self, **settings: Any) -> Any:
        return places.azurefunctions(**settings)


class TestGoogleFunctions(BehaviourContract):
    def made(self, **settings: Any) -> Any:
        return places.gcpfunctions(**settings)


def _train(data: Any, C: float, gamma: float) -> Any:  # noqa: N803  # as the reference calls it
    from sklearn import svm

    x, y = data
    return svm.SVC(C=C, gamma=gamma).fit(x[90:], y[90:])


def _load() -> Any:
    from numpy.random import RandomState
    from sklearn import datasets

    iris = datasets.load_iris()
    order = RandomState(0).permutation(iris.target.size)
    return iris.data[order], iris.target[order]


def _score(data: Any, clf: Any) -> float:
    return float(clf.score(data[0][:90], data[1][:90]))


AZURE: dict[str, Any] = {
    "tenant_id": "tenant-id",
    "client_id": "client-id",
    "client_secret": "client-secret",
    "batch_account_url": "https://covalent.eastus.batch.azure.com",
    "batch_account_domain": "batch.core.windows.net",
    "storage_account_name": "covalentbatch",
    "storage_account_domain": "blob.core.windows.net",
    "pool_id": "covalent-pool",
    "retries": 3,
    "time_limit": 300,
    "cache_dir": "/tmp/covalent",
    "poll_freq": 10,
}
GOOGLE: dict[str, Any] = {
    "bucket_name": "my-gcp-bucket",
    "project_id": "my-gcp-project-id",
    "container_image_uri": "my-executor-container-image-uri",
    "service_account_email": "my-service-account-email",
    "vcpu": 2,
    "memory": 512,
    "time_limit": 300,
    "poll_freq": 3,
}


@pytest.mark.parametrize(
    ("kind", "settings"), [(AzureBatchExecutor, AZURE), (GCPBatchExecutor, GOOGLE)]
)
@pytest.mark.usefixtures("server")
def test_the_reference_s_machine_learning(kind: Any, settings: dict[str, Any]) -> None:
    """With the executors as the reference writes them; Google's is logged in by the machine."""
    train = ct.electron(executor=kind(**settings))(_train)
    load, score = ct.electron(_load), ct.electron(_score)

    @ct.lattice
    def run_experiment(C: float = 1.0, gamma: float = 0.7) -> Any:  # noqa: N803  # as above
        data = load()
        return score(data=data, clf=train(data=data, C=C, gamma=gamma))

    result = ct.get_result(ct.dispatch(run_experiment)(C=1.0, gamma=0.7), wait=True)
    assert result.status == "COMPLETED", result.error
    assert 0.8 < result.result <= 1


DOCS = Path(__file__).parents[2] / "docs" / "executors"
SECRETS = {
    "azurebatch": azure.SECRET,
    "gcpbatch": google.key(),
    "azurefunctions": durable_host.KEY,
    "gcpfunctions": google.key(),
}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.usefixtures("server")
def test_what_the_page_shows_runs(name: str, tmp_path: Path) -> None:
    """With a file in the place of the secret's ARN."""
    kept = tmp_path / "secret"
    kept.write_text(SECRETS[name])
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / f"{name}.md").read_text(), re.DOTALL)
    code, found = re.subn(r'"arn:[^"]+"', repr(str(kept)), code)
    assert found == 1
    page: dict[str, Any] = {"__name__": f"{name}_page"}
    exec(compile(code, f"{name}.md", "exec"), page)
    result = ct.get_result(ct.dispatch(ct.lattice(page["square"]))(7), wait=True)
    assert (result.result, result.error) == (49, None)
    assert page["executor"].short_name() == name
