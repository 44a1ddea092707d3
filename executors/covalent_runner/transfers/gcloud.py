"""Google Cloud Storage, with Google's own client."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covalent_runner.transfers import objects
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.errors import TransferFailed, explained, package
from covalent_runner.transfers.places import Place

_CHUNK = 8 * 1024 * 1024
"""Bytes of an upload that are in memory at once; a multiple of 256 KiB. Downloads stream anyhow."""


@dataclass(frozen=True)
class GCloud:
    """To or from a bucket, as a service account, or as whoever the machine is logged in as."""

    credentials: Secret | None = None
    project: str | None = None

    def copy(self, source: Place, target: Place) -> None:
        """Copy objects, large ones in chunks."""
        address = source.path if source.remote else target.path
        name, _, key = address.removeprefix("gs://").partition("/")
        with explained("remote", _reason):
            client = self._client()
            objects.copy(_Bucket(client.bucket(name)), key, source, target)

    def _client(self) -> Any:
        storage = package("google.cloud.storage", "google-cloud-storage", "gcloud")
        given = {} if self.project is None else {"project": self.project}
        if self.credentials is None:
            return storage.Client(**given)
        return storage.Client.from_service_account_info(_account(self.credentials), **given)


def _account(credentials: Secret) -> dict[str, Any]:
    try:
        found = json.loads(credentials.text())
    except ValueError as exc:
        raise TransferFailed(
            f"{credentials.place} is not the JSON file of a service account: {exc}"
        ) from exc
    if not isinstance(found, dict) or found.get("type") != "service_account":
        raise TransferFailed(f"{credentials.place} is not the JSON file of a service account")
    return found


@dataclass(frozen=True)
class _Bucket:
    bucket: Any

    def keys(self, prefix: str) -> Iterator[str]:
        with explained("remote", _reason):
            for each in self.bucket.list_blobs(prefix=prefix):
                yield each.name

    def fetch(self, key: str, file: Path) -> None:
        with explained("remote", _reason):
            self.bucket.blob(key).download_to_filename(str(file))

    def send(self, file: Path, key: str) -> None:
        with explained("remote", _reason):
            self.bucket.blob(key, chunk_size=_CHUNK).upload_from_filename(str(file))


def _reason(exc: Exception) -> str | None:
    from google.api_core import exceptions  # noqa: PLC0415  # loaded when first used
    from google.auth import exceptions as authentication  # noqa: PLC0415
    from requests import exceptions as connection  # noqa: PLC0415

    match exc:
        case exceptions.NotFound():
            return "does not exist"
        case exceptions.Unauthorized() | exceptions.Forbidden():
            return f"may not be used: Google refuses it: {exc.message}"
        case exceptions.GoogleAPICallError():
            return f"is refused by Google: {exc.message}"
        case authentication.GoogleAuthError():
            return f"may not be used: {exc}"
        case connection.RequestException() | exceptions.RetryError():
            return f"cannot be reached: {exc}"
        case _:
            return None
