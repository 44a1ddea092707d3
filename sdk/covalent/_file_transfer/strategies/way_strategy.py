"""What the strategies that come with Covalent have in common: the runner has the way, this makes the move."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from covalent._file_transfer.file import File
from covalent._file_transfer.strategies.transfer_strategy_base import FileTransferStrategy
from covalent._shared_files.exceptions import InvalidTransfer
from covalent_runner.transfers.moves import Move
from covalent_runner.transfers.places import Place

if TYPE_CHECKING:
    from typing import ClassVar

    from covalent_runner.transfers.moves import Way


class WayStrategy(FileTransferStrategy):
    """A strategy whose transfers are `covalent_runner.transfers` moves."""

    schemes: ClassVar[tuple[str, ...]] = ()
    """Of the addresses that it knows."""
    is_local: ClassVar[bool] = False
    """Whether it also goes from one path of a machine to another."""
    has_folders: ClassVar[bool] = True

    @abstractmethod
    def way(self) -> Way:
        """The way that the runner goes."""

    def cp(self, from_file: File, to_file: File | None = None) -> Move:
        """A transfer between two files; with addresses, a download or an upload."""
        target = to_file or File()
        self._check(from_file, target)
        source, goal = place_of(from_file), place_of(target)
        return Move(self.way(), source, replace(goal, folder=goal.folder or source.folder))

    def download(self, from_file: File, to_file: File | None = None) -> Move:
        """A transfer to the electron's machine."""
        return self.cp(from_file, to_file)

    def upload(self, from_file: File, to_file: File | None = None) -> Move:
        """A transfer from the electron's machine."""
        return self.cp(from_file, to_file)

    def _check(self, source: File, target: File) -> None:
        name = type(self).__name__
        remotes = [file for file in (source, target) if file.is_remote]
        if self.is_local and not remotes:
            return
        if len(remotes) != 1:
            raise InvalidTransfer(
                f"{name} needs exactly one remote file, and gets {source!r} and {target!r}"
            )
        if remotes[0].scheme not in self.schemes:
            known = (
                " or ".join(f"{each}://" for each in self.schemes) or "between paths of one machine"
            )
            raise InvalidTransfer(f"{name} transfers {known}, not {remotes[0]}")
        if not self.has_folders and source.is_dir:
            raise InvalidTransfer(
                f"{name} cannot transfer a folder, as {source} is: name each file"
            )


def place_of(file: File) -> Place:
    """A file as the runner knows it. One without a path lies in the electron's working directory, under its own id."""
    path = f"transfer-{file.id}" if file.is_temp_file else file.filepath
    return Place(path, file.is_remote, file.is_dir, file.include_folder, file.is_temp_file)
