"""Azure Blob Storage, with Microsoft's own client."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from covalent_runner.transfers import objects
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.errors import EndFailed, explained, package
from covalent_runner.transfers.places import Place

CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"
"""What the azure command reads too."""
_SCOPE = "https://storage.azure.com/.default"
_UP, _DOWN = 4 * 1024 * 1024, 1024 * 1024
_SIZES = {
    "max_single_put_size": _UP,
    "max_block_size": _UP,
    "max_single_get_size": _DOWN,
    "max_chunk_get_size": _DOWN,
}
"""Bytes that are on their way at once, of each of `_THREADS`; the client holds several copies."""
_THREADS = 4


@dataclass(frozen=True)
class Azure:
    """To or from a container, as a service principal, or as whoever the machine is logged in as."""

    client_id: str | None = None
    client_secret: Secret | None = None
    tenant_id: str | None = None

    def copy(self, source: Place, target: Place) -> None:
        """Copy blobs, large ones in blocks."""
        account, name, key = split(source.path if source.remote else target.path)
        with explained("remote", _reason), self._service(account) as service:
            container = service.get_container_client(name)
            objects.copy(_Container(container), key, source, target)

    def _service(self, account: str) -> Any:
        blob = package("azure.storage.blob", "azure-storage-blob", "azure")
        given = os.environ.get(CONNECTION_STRING)
        if self.client_id is None and given:
            service = blob.BlobServiceClient.from_connection_string(given, **_SIZES)
            if service.url.rstrip("/") == account:
                return service
        return blob.BlobServiceClient(account, credential=self._credential(), **_SIZES)

    def _credential(self) -> Any:
        identity = package("azure.identity", "azure-identity", "azure")
        if self.client_id is None or self.client_secret is None or self.tenant_id is None:
            return _tried(identity.DefaultAzureCredential())
        secret = self.client_secret.text().strip()
        return _tried(identity.ClientSecretCredential(self.tenant_id, self.client_id, secret))


def _tried(credential: Any) -> Any:
    """Ask for a token once: the client of the store would ask four times before it gave up."""
    credential.get_token(_SCOPE)
    return credential


@dataclass(frozen=True)
class _Container:
    client: Any

    def keys(self, prefix: str) -> Iterator[str]:
        with explained("remote", _reason):
            yield from self.client.list_blob_names(name_starts_with=prefix)

    def fetch(self, key: str, file: Path) -> None:
        with explained("remote", _reason), file.open("wb") as out:
            self.client.download_blob(key, max_concurrency=_THREADS).readinto(out)

    def send(self, file: Path, key: str) -> None:
        with explained("remote", _reason), file.open("rb") as body:
            self.client.upload_blob(key, body, overwrite=True, max_concurrency=_THREADS)


def split(address: str) -> tuple[str, str, str]:
    """The account's address, the container and the blob's name.

    `https://ACCOUNT.blob.core.windows.net/CONTAINER/NAME`, `blob://ACCOUNT/CONTAINER/NAME`, or, where the host is not
    the account's own (an emulator), `http://HOST/ACCOUNT/CONTAINER/NAME`.

    Raises:
        EndFailed: it is none of these.

    """
    parts = urlsplit(address)
    host, path = parts.netloc, unquote(parts.path).lstrip("/")
    if parts.scheme == "blob" and "." not in host:
        host = f"{host}.blob.core.windows.net"
    account = f"{'https' if parts.scheme == 'blob' else parts.scheme}://{host}"
    if ".blob." not in host:
        name, _, path = path.partition("/")
        account = f"{account}/{name}"
    container, _, key = path.partition("/")
    if not container:
        raise EndFailed(
            "remote", "names no container: https://ACCOUNT.blob.core.windows.net/CONTAINER/NAME"
        )
    return account, container, key


def _reason(exc: Exception) -> str | None:
    from azure.core import exceptions  # noqa: PLC0415  # loaded when first used

    match exc:
        case exceptions.ResourceNotFoundError():
            missing = getattr(exc, "error_code", "") == "ContainerNotFound"
            return "is in a container that does not exist" if missing else "does not exist"
        case exceptions.ClientAuthenticationError():
            return (
                f"may not be used: Azure refuses the credentials: {_first_line(exc)} Log in where electrons run,"
                f" set {CONNECTION_STRING} there, or pass Blob(client_id, client_secret, tenant_id)"
            )
        case exceptions.HttpResponseError() if exc.status_code == 403:
            return f"may not be used: Azure refuses it to this principal: {_first_line(exc)}"
        case exceptions.HttpResponseError():
            return f"is refused by Azure: {_first_line(exc)}"
        case exceptions.AzureError():
            return f"cannot be reached: {_first_line(exc)}"
        case _:
            return None


def _first_line(exc: Exception) -> str:
    return " ".join(str(exc).split("\n")[:2])
