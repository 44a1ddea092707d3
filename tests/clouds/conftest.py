from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clouds import internet, jobs


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return internet.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def deployment() -> Iterator[jobs.Deployment]:
    with jobs.deployment() as found:
        yield found
