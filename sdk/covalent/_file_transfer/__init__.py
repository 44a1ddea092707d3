"""File transfers before and after electrons, under the names of `ct.fs`."""

from covalent._file_transfer.enums import Order
from covalent._file_transfer.file import File
from covalent._file_transfer.file_transfer import FileTransfer, TransferFromRemote, TransferToRemote
from covalent._file_transfer.folder import Folder

__all__ = ["File", "FileTransfer", "Folder", "Order", "TransferFromRemote", "TransferToRemote"]
