"""A file, here or elsewhere."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from covalent._shared_files.exceptions import InvalidTransfer

if TYPE_CHECKING:
    from typing import Any

LOCAL = "file"
REMOTE = frozenset({"http", "https", "s3", "gs", "blob"})
"""Schemes of addresses; a strategy goes with each."""


class File:
    """A file by its path, or by its address (`s3://...`, `https://...`).

    Args:
        filepath: the path or address. Without one, Covalent chooses a path of the machine that the electron runs on.
        is_remote: whether it is on another machine than the electron; addresses always are.
        is_dir: whether it is a folder; what ends with a slash always is.
        include_folder: whether a folder arrives as such; otherwise only what is in it does.

    Attributes:
        id: tells files without a path apart.
        scheme: of the address; `file` for paths.

    Raises:
        InvalidTransfer: no strategy knows such addresses.

    """

    def __init__(
        self,
        filepath: str | os.PathLike[str] | None = None,
        is_remote: bool = False,
        is_dir: bool = False,
        include_folder: bool = False,
    ) -> None:
        if filepath is not None and not isinstance(filepath, str | os.PathLike):
            raise TypeError(f"a file is given by its path or address as text, not {filepath!r}")
        self.id = str(uuid4())
        self.is_temp_file = filepath is None or not os.fspath(filepath)
        self.include_folder = include_folder
        given = os.fspath(filepath) if filepath else str(Path(tempfile.gettempdir(), self.id))
        self.scheme, self._path = _parsed(given)
        self.is_remote = is_remote or self.scheme != LOCAL
        self.is_dir = is_dir or given.endswith("/")

    @property
    def filepath(self) -> str:
        """The path, or the whole address of what has one."""
        return self._path

    @property
    def uri(self) -> str:
        """The address; that of a path begins with `file://`."""
        return f"{LOCAL}://{self._path}" if self.scheme == LOCAL else self._path

    def exists(self) -> bool:
        """Whether it is on this machine."""
        return self._local().exists()

    def touch(self) -> None:
        """Make it on this machine, empty, unless it is there."""
        self._local().touch()

    def mkdir(self) -> None:
        """Make it as a folder on this machine, unless it is there, with those above it."""
        self._local().mkdir(parents=True, exist_ok=True)

    def rm(self) -> None:
        """Remove it from this machine, with all that is in it."""
        path = self._local()
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def _local(self) -> Path:
        if self.is_remote:
            raise InvalidTransfer(f"{self} is not on this machine: transfer it first")
        return Path(self._path).expanduser()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, File) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self._path, self.is_remote, self.is_dir, self.include_folder

    def __str__(self) -> str:
        return self._path

    def __repr__(self) -> str:
        flags = [name for name in ("is_remote", "is_dir", "include_folder") if getattr(self, name)]
        return f"{type(self).__name__}({', '.join([repr(self._path), *(f'{name}=True' for name in flags)])})"


def _parsed(given: str) -> tuple[str, str]:
    """The scheme of a path or address, and the path or the whole address."""
    scheme = given.partition("://")[0].lower() if "://" in given else LOCAL
    if scheme == LOCAL:
        return LOCAL, unquote(urlsplit(given).path) if "://" in given else given
    if scheme not in REMOTE:
        known = ", ".join(f"{each}://" for each in sorted({LOCAL, *REMOTE}))
        raise InvalidTransfer(
            f"{given} begins with {scheme}://, which nobody transfers: use a path or one of {known}"
        )
    parts = urlsplit(given)
    if parts.username is not None or parts.password is not None:
        raise InvalidTransfer(
            f"the address of a file at {parts.hostname} holds a user or a password, which would travel in clear:"
            " leave it out, and put it into ~/.netrc of the machine that the electron runs on"
        )
    return scheme, scheme + given[len(scheme) :]
