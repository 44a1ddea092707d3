"""One end of a transfer."""

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from covalent_runner.workdir import current


@dataclass(frozen=True)
class Place:
    """A path of the machine that the electron runs on, or an address elsewhere.

    Attributes:
        path: the path or address. A relative path is one of the electron's working directory.
        remote: whether it is elsewhere.
        folder: whether it is a folder; a file goes into a target that is one.
        include_folder: whether a source folder arrives as such; otherwise only what is in it does.
        made: whether Covalent chose the path, because the user gave none.

    """

    path: str
    remote: bool = False
    folder: bool = False
    include_folder: bool = False
    made: bool = False

    def here(self) -> "Place":
        """The place with its absolute path, if it is on this machine."""
        if self.remote:
            return self
        path = current() / Path(self.path).expanduser()
        return replace(self, path=str(path), folder=self.folder or path.is_dir())

    def prepare(self) -> None:
        """Make a file or folder whose path Covalent chose, so that the electron finds it."""
        if not self.made or self.remote:
            return
        path = Path(self.path)
        if self.folder:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.touch()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name

    def __str__(self) -> str:
        return self.path
