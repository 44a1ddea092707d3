"""File transfers: `ct.fs.FileTransfer` and what it is made of."""

from covalent._file_transfer import (
    File,
    FileTransfer,
    Folder,
    Order,
    TransferFromRemote,
    TransferToRemote,
)

__all__ = ["File", "FileTransfer", "Folder", "Order", "TransferFromRemote", "TransferToRemote"]
