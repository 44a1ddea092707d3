from collections.abc import Mapping
from typing import Any, ClassVar

from tests.unit.executors.contract import ExecutorContract

from covalent.executor import AWSLambdaExecutor


class TestLambda(ExecutorContract):
    executor = AWSLambdaExecutor
    defaults: ClassVar[Mapping[str, Any]] = {
        "credentials_file": "~/.aws/credentials",
        "profile": "default",
        "cache_dir": "~/.cache/covalent",
        "poll_freq": 5,
        "timeout": 900,
        "memory_size": 512,
    }
    example: ClassVar[Mapping[str, Any]] = {
        "function_name": "my-lambda-function",
        "s3_bucket_name": "covalent-lambda-job-resources",
    }
    positional = ("function_name", "s3_bucket_name")
    misspelt: ClassVar[Mapping[str, str]] = {
        "function": "function_name",
        "memory": "memory_size",
        "time_out": "timeout",
    }
    refused = (({"timeout": "long"}, "number"), ({"timeout": 1e9}, "99999999"))
    secrets = ("credentials_file", "profile")
