"""Transfers as calls around an electron."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from covalent._file_transfer.enums import Order
from covalent._file_transfer.file_transfer import FileTransfer
from covalent._workflow.depscall import DepsCall
from covalent_runner.transfers.moves import Move, begin
from covalent_runner.transfers.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from covalent._workflow.metadata import FilesLike
KEYWORD = "files"
"""The electron's parameter that takes where the files are."""


def calls_around(
    files: FilesLike, function: Callable[..., Any]
) -> tuple[list[DepsCall], list[DepsCall]]:
    """What to call before and after an electron for its transfers.

    Args:
        files: the transfers.
        function: the electron's; if it has a parameter `files`, that gets a pair of paths for each transfer.

    Returns:
        Calls before the electron, one for each transfer, and calls after it.

    Raises:
        TypeError: something else than a transfer is to be made.

    """
    keyword = KEYWORD if _takes_files(function) else ""
    before, after = [], []
    for each in _listed(files):
        move = each.cp()
        is_first = each.order is Order.BEFORE
        ends = (move.source, move.target) if isinstance(move, Move) else _given_ends(each)
        before.append(
            DepsCall(
                begin,
                [*ends, move if is_first else None],
                retval_keyword=keyword,
                override_reserved_retval_keys=True,
            )
        )
        if not is_first:
            after.append(DepsCall(move))
    return before, after


def _listed(files: FilesLike) -> list[FileTransfer]:
    several: list[Any] = [files] if isinstance(files, FileTransfer) else list(files)
    for each in several:
        if not isinstance(each, FileTransfer):
            raise TypeError(
                f"files takes file transfers, not {each!r}: write ct.fs.FileTransfer(from_file, to_file)"
            )
    return several


def _takes_files(function: Callable[..., Any]) -> bool:
    try:
        found = inspect.signature(function).parameters.get(KEYWORD)
    except (ValueError, TypeError):
        return False
    return found is not None and found.kind in (found.POSITIONAL_OR_KEYWORD, found.KEYWORD_ONLY)


def _given_ends(transfer: FileTransfer) -> tuple[Place, Place]:
    """The ends of a strategy of the user's own, which takes paths as they are."""
    first, second = (
        Place(each.filepath, each.is_remote, each.is_dir, each.include_folder, each.is_temp_file)
        for each in (transfer.from_file, transfer.to_file)
    )
    return first, second
