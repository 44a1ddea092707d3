"""A folder, here or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from covalent._file_transfer.file import File

if TYPE_CHECKING:
    import os


class Folder(File):
    """A folder by its path, or by its address.

    Args:
        filepath: the path or address. Without one, Covalent chooses a path of the machine that the electron runs on.
        is_remote: whether it is on another machine than the electron; addresses always are.
        is_dir: a folder is one.
        include_folder: whether it arrives as such; otherwise only what is in it does.

    """

    def __init__(
        self,
        filepath: str | os.PathLike[str] | None = None,
        is_remote: bool = False,
        is_dir: bool = True,
        include_folder: bool = False,
    ) -> None:
        super().__init__(filepath, is_remote, is_dir, include_folder)
