"""`covalent start --localstack`, with the real one beside that of the other tests."""

from pathlib import Path

import pytest
from tests.localstack.conftest import answers, free_port
from tests.localstack.deployment import Covalent, client_environment

pytestmark = pytest.mark.localstack


def test_it_starts_in_the_background_and_stops(tmp_path: Path, environment: dict[str, str]) -> None:
    covalent = Covalent(client_environment(environment, tmp_path))
    port = free_port()
    try:
        started = covalent("start", "--localstack", "--port", str(port))
        assert f"export AWS_ENDPOINT_URL=http://127.0.0.1:{port}" in started
        assert answers(port)
        assert f"Running at http://127.0.0.1:{port}" in covalent("status")
    finally:
        stopped = covalent("stop")
    assert "LocalStack has stopped." in stopped
    assert not answers(port)
