"""Files of web servers."""

from __future__ import annotations

from covalent._file_transfer.strategies.way_strategy import WayStrategy
from covalent_runner.transfers.web import Web


class HTTP(WayStrategy):
    """Downloads files by GET, and uploads them by PUT."""

    schemes = ("http", "https")
    has_folders = False

    def way(self) -> Web:
        """The way that the runner goes."""
        return Web()
