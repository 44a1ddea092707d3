"""What holds for all tests: none fails because the machine is busy, or because of what ran before it."""

import os
import re
import signal
from pathlib import Path

import boto3
import pytest
from hypothesis import HealthCheck, settings

os.environ["COVALENT_DISABLE_DASK"] = "1"  # a cluster beside each server would take the machine
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # who runs tests in the background ignores it
settings.register_profile("covalent", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("covalent")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Tests of circuits load PennyLane, which is only where they are asked for."""
    if collection_path != Path(__file__).with_name("quantum"):
        return None
    marks = config.option.markexpr
    return True if marks and not re.search(r"(?<!not )quantum", marks) else None


@pytest.fixture(autouse=True, scope="module")
def credentials_of_ones_own() -> None:
    """boto3's default session keeps the credentials that it has first found: those of another server."""
    boto3.DEFAULT_SESSION = None
