"""How the bridge logs in to Google Cloud, and what Google refuses."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from covalent_executors.adapter import Busy, Refused, Secrets
from covalent_executors.vendor import vendor

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_TOKENS = "https://oauth2.googleapis.com/token"


def credentials(place: str, secrets: Secrets, extra: str) -> Any:
    """A service account's credentials; those of the machine, if there is no place.

    Raises:
        Refused: they are none, or cannot be read.

    """
    if not place:
        return _of_the_machine(extra)
    try:
        key = json.loads(secrets(place))
    except ValueError as exc:
        raise Refused(f"credentials: {place} is not the JSON key of a service account") from exc
    if not isinstance(key, dict) or key.get("type") != "service_account":
        raise Refused(
            f"credentials: {place} is not the key of a service account: create one with "
            "`gcloud iam service-accounts keys create`"
        )
    if key.get("token_uri") != _TOKENS:
        raise Refused(
            f"credentials: {place} names {key.get('token_uri')!r}: its token_uri must be {_TOKENS}"
        )
    account = vendor("google.oauth2.service_account", extra)
    try:
        return account.Credentials.from_service_account_info(key, scopes=_SCOPES)
    except ValueError as exc:
        raise Refused(f"credentials: {place} is not a whole key: {exc}") from exc


def _of_the_machine(extra: str) -> Any:
    auth = vendor("google.auth", extra)
    try:
        found, _ = auth.default(scopes=_SCOPES)
    except vendor("google.auth.exceptions", extra).DefaultCredentialsError as exc:
        raise Refused(
            "this machine is not logged in to Google Cloud: run `gcloud auth application-default login`, "
            "or set credentials to the key of a service account"
        ) from exc
    return found


def name(login: Any) -> str:
    """Who is logged in."""
    return str(
        getattr(login, "service_account_email", "") or "whoever this machine is logged in as"
    )


@contextmanager
def explained(extra: str, who: str, role: str) -> Iterator[None]:
    """Translate what Google's clients raise.

    Args:
        extra: that of ours which brings them.
        who: in whose name they ask, and where.
        role: what may be missing to it.

    Raises:
        Refused: Google will not do it.
        Busy: Google cannot do it now.

    """
    errors = vendor("google.api_core.exceptions", extra)
    logins = vendor("google.auth.exceptions", extra)
    try:
        yield
    except (errors.Forbidden, errors.Unauthorized) as exc:
        raise Refused(f"Google refuses it to {who}: {exc.message} It needs {role}") from exc
    except (errors.TooManyRequests, errors.ServerError, errors.RetryError) as exc:
        raise Busy(f"Google is busy: {exc.message}") from exc
    except errors.NotFound as exc:
        raise Refused(f"Google does not find it for {who}: {exc.message}") from exc
    except errors.ClientError as exc:
        raise Refused(f"Google refuses it: {exc.message}") from exc
    except logins.TransportError as exc:
        raise Busy(f"Google does not answer: {exc}") from exc
    except logins.RefreshError as exc:
        raise Refused(
            f"Google refuses the login of {who}: {exc} Create a new key, and give it as credentials"
        ) from exc
    except OSError as exc:  # requests' errors of the network
        raise Busy(f"Google does not answer: {exc}") from exc
