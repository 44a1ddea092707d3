"""Files in Azure Blob Storage."""

from __future__ import annotations

from covalent._file_transfer.secrets import secret, shown
from covalent._file_transfer.strategies.way_strategy import WayStrategy
from covalent._shared_files.exceptions import InvalidTransfer
from covalent_runner.transfers.azure import Azure


class Blob(WayStrategy):
    """Downloads and uploads blobs. By default as whoever is logged in on the machine that the electron runs on.

    Args:
        client_id: of a service principal.
        client_secret: its secret, the absolute path of a file that holds it, or an ARN of AWS Secrets Manager.
        tenant_id: the tenant that owns it.

    Raises:
        InvalidTransfer: only some of the three are given.

    """

    schemes = ("blob", "https", "http")

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        tenant_id: str | None = None,
    ) -> None:
        given = [each is not None for each in (client_id, client_secret, tenant_id)]
        if any(given) and not all(given):
            raise InvalidTransfer(
                "Blob takes client_id, client_secret and tenant_id together, or none of them"
            )
        self.client_id = client_id
        self.tenant_id = tenant_id
        owner = f"{tenant_id}/{client_id}"
        self._secret = None if client_secret is None else secret(client_secret, "azure", owner)

    @property
    def client_secret(self) -> str | None:
        """The secret as it was given."""
        return shown(self._secret)

    @property
    def credentials(self) -> tuple[str | None, str | None, str | None]:
        """Client id, client secret and tenant id."""
        return self.client_id, self.client_secret, self.tenant_id

    def way(self) -> Azure:
        """The way that the runner goes."""
        return Azure(self.client_id, self._secret, self.tenant_id)
