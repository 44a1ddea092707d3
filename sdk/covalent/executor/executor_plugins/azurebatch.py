"""Electrons in Azure Batch."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.confidential import ElsewhereExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "AzureBatchExecutor"


class AzureBatchExecutor(ElsewhereExecutor):
    """Runs electrons as tasks in a pool of Azure Batch.

    Args:
        tenant_id: the Azure tenant.
        client_id: a service principal of it, with the role "Azure Batch Data Contributor" on the account.
        client_secret: its secret, the absolute path of a file that holds it, or an ARN of AWS Secrets Manager. Offline,
            without these three: whoever the machine is logged in as.
        batch_account_url: the account's endpoint, with https:// in front.
        batch_account_domain: what tokens are asked for; another one in sovereign clouds.
        storage_account_name: accepted for compatibility: values lie in the deployment's bucket.
        storage_account_domain: accepted for compatibility, as above.
        pool_id: the pool.
        retries: times to try again when an electron fails.
        time_limit: seconds a task may run.
        cache_dir: accepted for compatibility.
        poll_freq: seconds between looks at a task, at first; they become rarer.
        container_image_uri: the image to run in, if the pool runs containers; by default the first that it has fetched.
        settings: those of every executor.

    """

    SHORT_NAME = "azurebatch"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "tenant_id": None,
            "client_id": None,
            "client_secret": None,
            "batch_account_url": None,
            "batch_account_domain": "batch.core.windows.net",
            "storage_account_name": None,
            "storage_account_domain": "blob.core.windows.net",
            "pool_id": None,
            "retries": 3,
            "time_limit": 300,
            "cache_dir": "/tmp/covalent",  # noqa: S108  # the documented default; nothing is written there
            "poll_freq": 10,
            "container_image_uri": "",
        }
    )
    _SECRETS = MappingProxyType({"client_secret": ("tenant_id", "client_id")})
