"""What Azure refuses, in words of the executor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from covalent_executors.adapter import Busy, Refused
from covalent_executors.azurebatch.spec import AzureBatchSpec
from covalent_executors.vendor import vendor

_ROLE = "Azure Batch Data Contributor"
_PASSING = ("ServerBusy", "OperationTimedOut", "TooManyRequests", "InternalError")
_QUOTA = "ActiveJobAndScheduleQuotaReached"


@contextmanager
def explained(spec: AzureBatchSpec) -> Iterator[None]:
    """Translate what the client raises.

    Raises:
        Refused: Azure will not do it.
        Busy: Azure cannot do it now.

    """
    exceptions = vendor("azure.core.exceptions", "azurebatch")
    try:
        yield
    except exceptions.ClientAuthenticationError as exc:
        if not spec.client_secret:
            raise Refused(
                "this machine is not logged in to Azure: run `az login`, or set tenant_id, client_id and "
                f"client_secret: {first_line(exc)}"
            ) from exc
        raise Refused(
            f"Azure refuses the login of client {spec.client_id!r} in tenant {spec.tenant_id!r}: {first_line(exc)} "
            "Check tenant_id and client_id, and that client_secret is right and has not expired"
        ) from exc
    except exceptions.HttpResponseError as exc:
        raise _translated(exc, spec) from exc
    except exceptions.AzureError as exc:
        raise Busy(
            f"{spec.batch_account_url} does not answer ({first_line(exc)}): "
            "check batch_account_url, if this does not pass"
        ) from exc


def code_of(exc: Any) -> str:
    """Azure's name of an error."""
    told = getattr(exc, "model", None) or getattr(exc, "error", None)
    return str(getattr(told, "code", None) or "")


def first_line(exc: Exception) -> str:
    """The beginning of a message: what follows is for Azure's own support."""
    return next(iter(str(exc).splitlines()), "")


def _translated(exc: Any, spec: AzureBatchSpec) -> Exception:
    code, status = code_of(exc), exc.status_code
    if status in (408, 429) or status >= 500 or code in _PASSING:
        return Busy(f"Azure Batch is busy: {code or status}")
    if code == _QUOTA:
        return Busy(
            "the account's quota of active jobs is used up: end some, or ask Azure for more"
        )
    if status in (401, 403):
        return Refused(
            f"Azure refuses it to client {spec.client_id!r} ({code or status}): "
            f"give it the role {_ROLE!r} on the account {spec.batch_account_url}"
        )
    return Refused(f"Azure Batch refuses it: {code or status}: {first_line(exc)}")
