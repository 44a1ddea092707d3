"""Transfers of files before or after an electron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from covalent._file_transfer.enums import Order
from covalent._file_transfer.file import LOCAL, File
from covalent._file_transfer.strategies.transfer_strategy_base import FileTransferStrategy
from covalent._shared_files.exceptions import InvalidTransfer

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    FileLike: TypeAlias = File | str | os.PathLike[str] | None

_AZURE = ".blob.core.windows.net"


class FileTransfer:
    """A transfer from one file to another.

    Args:
        from_file: the source.
        to_file: the destination. What is not given is a file that Covalent chooses the path of.
        order: whether it is made before the electron or after it.
        strategy: how; by default what goes with the addresses.

    Raises:
        InvalidTransfer: such a transfer cannot be made.

    """

    def __init__(
        self,
        from_file: FileLike = None,
        to_file: FileLike = None,
        order: Order = Order.BEFORE,
        strategy: FileTransferStrategy | None = None,
    ) -> None:
        self.from_file = _file(from_file)
        self.to_file = _file(to_file)
        self.order = _order(order)
        _refuse_two_remotes(self.from_file, self.to_file)
        self.strategy = _strategy(strategy, self.from_file, self.to_file)
        self._move = self._call()

    def cp(self) -> Callable[[], Any]:
        """What makes the transfer when it is called."""
        return self._move

    def _call(self) -> Callable[[], Any]:
        if self.from_file.is_remote:
            return self.strategy.download(self.from_file, self.to_file)
        if self.to_file.is_remote:
            return self.strategy.upload(self.from_file, self.to_file)
        return self.strategy.cp(self.from_file, self.to_file)

    def __repr__(self) -> str:
        return f"FileTransfer({self.from_file!r}, {self.to_file!r}, {self.order!s}, {type(self.strategy).__name__})"


def TransferFromRemote(  # noqa: N802  # the name that the Covalent API promises
    from_filepath: FileLike,
    to_filepath: FileLike = None,
    strategy: FileTransferStrategy | None = None,
    order: Order = Order.BEFORE,
) -> FileTransfer:
    """Transfer from elsewhere, by default before the electron.

    Args:
        from_filepath: the source, which is elsewhere.
        to_filepath: the destination, on the machine that the electron runs on.
        strategy: how; by default what goes with the addresses.
        order: whether it is made before the electron or after it.

    """
    return FileTransfer(_remote(from_filepath), to_filepath, order, strategy)


def TransferToRemote(  # noqa: N802  # the name that the Covalent API promises
    to_filepath: FileLike,
    from_filepath: FileLike = None,
    strategy: FileTransferStrategy | None = None,
    order: Order = Order.AFTER,
) -> FileTransfer:
    """Transfer to elsewhere, by default after the electron.

    Args:
        to_filepath: the destination, which is elsewhere.
        from_filepath: the source, on the machine that the electron runs on.
        strategy: how; by default what goes with the addresses.
        order: whether it is made before the electron or after it.

    """
    return FileTransfer(from_filepath, _remote(to_filepath), order, strategy)


def _file(given: FileLike) -> File:
    return given if isinstance(given, File) else File(given)


def _remote(given: FileLike) -> File:
    if not given:
        raise InvalidTransfer("a remote file has a path or an address: give one")
    if isinstance(given, File):
        return File(given.filepath, True, given.is_dir, given.include_folder)
    return File(given, is_remote=True)


def _order(given: Order) -> Order:
    try:
        return Order(given)
    except ValueError as exc:
        raise InvalidTransfer(f"order is Order.BEFORE or Order.AFTER, not {given!r}") from exc


def _refuse_two_remotes(source: File, target: File) -> None:
    if source.is_remote and target.is_remote:
        raise InvalidTransfer(
            f"{source} and {target} are both elsewhere: make two transfers, by way of a file of the electron's machine"
        )


def _strategy(
    given: FileTransferStrategy | None, source: File, target: File
) -> FileTransferStrategy:
    if given is None:
        return _default(source if source.is_remote else target)
    if not isinstance(given, FileTransferStrategy):
        raise TypeError(
            f"strategy is one of ct.fs_strategies, not {given!r}: write for example ct.fs_strategies.S3()"
        )
    return given


def _default(file: File) -> FileTransferStrategy:
    from covalent import fs_strategies  # noqa: PLC0415  # the strategies import File

    match file.scheme:
        case "s3":
            return fs_strategies.S3()
        case "gs":
            return fs_strategies.GCloud()
        case "blob":
            return fs_strategies.Blob()
        case "http" | "https":
            parts = urlsplit(file.filepath)
            signed = bool(parts.query)  # a shared access signature is all that a request needs
            is_azure = not signed and (parts.hostname or "").endswith(_AZURE)
            return fs_strategies.Blob() if is_azure else fs_strategies.HTTP()
        case _ if file.is_remote:
            raise InvalidTransfer(
                f"{file} is on another machine, but on which? Pass strategy=ct.fs_strategies.Rsync(user=..., host=...)"
            )
        case _:
            assert file.scheme == LOCAL  # noqa: S101  # `File` refuses all others
            return fs_strategies.Shutil()
