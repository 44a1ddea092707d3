"""What holds for all tests: none fails because the machine is busy, or because of what ran before it."""

import os

import boto3
import pytest
from hypothesis import HealthCheck, settings

os.environ["COVALENT_DISABLE_DASK"] = "1"  # a cluster beside each server would take the machine
settings.register_profile("covalent", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("covalent")


@pytest.fixture(autouse=True, scope="module")
def credentials_of_ones_own() -> None:
    """boto3's default session keeps the credentials that it has first found: those of another server."""
    boto3.DEFAULT_SESSION = None
