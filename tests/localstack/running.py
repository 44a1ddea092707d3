"""A running LocalStack, for the tests that need one."""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

ADDRESS = "127.0.0.1"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True)
class Aws:
    """Where it answers, and clients for it."""

    url: str

    def client(self, service: Any, key: str = "test") -> Any:
        """A boto3 client, of the account's root unless another key says who it is."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, proxies={}, max_pool_connections=50),
        )
