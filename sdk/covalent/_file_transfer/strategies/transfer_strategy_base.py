"""What a strategy is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from covalent._file_transfer.file import File


class FileTransferStrategy(ABC):
    """A way to transfer files. Each method returns what makes the transfer, where the electron runs, when it is called.

    What they return is pickled: a strategy of your own returns a function that needs nothing of this machine. Without
    a second file, Covalent chooses the path of one.
    """

    @abstractmethod
    def cp(self, from_file: File, to_file: File | None = None) -> Callable[[], Any]:
        """A transfer between two files of one machine."""

    @abstractmethod
    def download(self, from_file: File, to_file: File | None = None) -> Callable[[], Any]:
        """A transfer from elsewhere."""

    @abstractmethod
    def upload(self, from_file: File, to_file: File | None = None) -> Callable[[], Any]:
        """A transfer to elsewhere."""
