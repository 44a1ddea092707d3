"""Copies on one machine."""

from __future__ import annotations

from covalent._file_transfer.strategies.way_strategy import WayStrategy
from covalent_runner.transfers.disk import Disk


class Shutil(WayStrategy):
    """Copies files and folders of the machine that the electron runs on."""

    is_local = True

    def way(self) -> Disk:
        """The way that the runner goes."""
        return Disk()
