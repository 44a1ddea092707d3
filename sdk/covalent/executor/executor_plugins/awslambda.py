"""Electrons in AWS Lambda functions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.dispatched import DispatchedExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "AWSLambdaExecutor"


class AWSLambdaExecutor(DispatchedExecutor):
    """Runs short electrons in a Lambda function, which Step Functions invokes.

    Args:
        function_name: the function; the deployment's own runner if empty.
        s3_bucket_name: accepted for compatibility: values lie in the deployment's bucket.
        lambda_role_name: accepted for compatibility: the function has its role already.
        credentials_file: AWS credentials of the user's own machine.
        profile: the profile in it.
        region: the function's region; the deployment's if empty.
        poll_freq: accepted for compatibility: nothing is polled, Step Functions is told.
        timeout: seconds an electron may take; at most 900, as Lambda has it.
        memory_size: megabytes of memory.
        settings: those of every executor.

    """

    SHORT_NAME = "awslambda"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "function_name": "",
            "s3_bucket_name": "",
            "lambda_role_name": "",
            "credentials_file": "~/.aws/credentials",
            "profile": "default",
            "region": "",
            "cache_dir": "~/.cache/covalent",
            "poll_freq": 5,
            "timeout": 900,
            "memory_size": 512,
        }
    )

    def __init__(self, function_name: str | None = None, *args: Any, **settings: Any) -> None:
        if args:
            settings = {"s3_bucket_name": args[0], **settings}
        if len(args) > 1:
            raise TypeError("AWSLambdaExecutor takes function_name and s3_bucket_name by position")
        if function_name is not None:
            settings["function_name"] = function_name
        super().__init__(**settings)
