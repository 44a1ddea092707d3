"""A file that travels with the workflow."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class Library:
    """A file's name and content. It is part of an asset, which is checked by digest wherever it is read."""

    name: str
    data: bytes = field(repr=False)

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """The file, in a folder that nobody else may write to, for the time of the block."""
        with TemporaryDirectory(prefix="lepton-") as folder:
            path = Path(folder, self.name)
            path.write_bytes(self.data)
            yield path
