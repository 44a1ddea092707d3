"""Electrons in an Azure function app."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.confidential import ElsewhereExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "AzureFunctionsExecutor"


class AzureFunctionsExecutor(ElsewhereExecutor):
    """Runs electrons in an Azure function app that our functions were deployed to (docs/executors/azurefunctions.md).

    Args:
        function_app_url: the app's address, `https://NAME.azurewebsites.net`.
        system_key: the app's system key `durabletask_extension`, the absolute path of a file that holds it, or an ARN
            of AWS Secrets Manager.
        retries: times to try again when an electron fails.
        time_limit: seconds an electron may run; the app's own `functionTimeout` is a limit, too.
        poll_freq: seconds between looks at an electron, at first; they become rarer.
        settings: those of every executor.

    """

    SHORT_NAME = "azurefunctions"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "function_app_url": None,
            "system_key": None,
            "retries": 3,
            "time_limit": 300,
            "poll_freq": 5,
        }
    )
    _SECRETS = MappingProxyType({"system_key": ("function_app_url",)})
