"""Files in Google Cloud Storage."""

from __future__ import annotations

import json

from covalent._file_transfer.secrets import secret, shown
from covalent._file_transfer.strategies.way_strategy import WayStrategy
from covalent._shared_files.exceptions import InvalidTransfer
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.gcloud import GCloud as GCloudWay


class GCloud(WayStrategy):
    """Downloads and uploads objects. By default as whoever is logged in on the machine that the electron runs on.

    Args:
        credentials: path of a service account's JSON file on the machine that the electron runs on, the ARN of a secret
            that holds it, or its content.
        project_id: the project.

    """

    schemes = ("gs",)

    def __init__(self, credentials: str | None = None, project_id: str | None = None) -> None:
        self._secret = None if credentials is None else _kept(credentials)
        self.project_id = project_id

    @property
    def credentials(self) -> str | None:
        """The credentials as they were given."""
        return shown(self._secret)

    def way(self) -> GCloudWay:
        """The way that the runner goes."""
        return GCloudWay(self._secret, self.project_id)


def _kept(credentials: str) -> Secret:
    if not credentials.lstrip().startswith("{"):
        return Secret(credentials)
    try:
        owner = str(json.loads(credentials).get("client_email", ""))
    except ValueError as exc:
        raise InvalidTransfer(
            f"GCloud(credentials=...) is not the JSON of a service account: {exc}"
        ) from exc
    return secret(credentials, "gcloud", owner)
