"""What stands for a container of a cloud: a process that takes all that it has started along when it is ended."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_MARK = "CLOUD_CONTAINER"


class Container:
    """`python3` with some arguments and variables, and no others; its streams go to files of a folder of its own."""

    def __init__(self, arguments: Sequence[str], variables: Mapping[str, str]) -> None:
        self.mark = uuid.uuid4().hex
        self.folder = folder = Path(tempfile.mkdtemp(prefix="container-"))
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), _MARK: self.mark}
        with (
            (folder / "stdout.txt").open("wb") as out,
            (folder / "stderr.txt").open("wb") as err,
        ):
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                env={**environment, **variables},
                stdout=out,
                stderr=err,
            )

    @property
    def code(self) -> int | None:
        """The exit code, as a shell has it; None while it runs."""
        code = self.process.poll()
        return code if code is None or code >= 0 else 128 - code

    def wait(self) -> None:
        self.process.wait()

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(errors="replace")

    def kill(self) -> None:
        """End it, and whatever it has started."""
        self.process.kill()
        self.process.wait()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _is_marked(entry, f"{_MARK}={self.mark}".encode()):
                try:
                    os.kill(int(entry.name), signal.SIGKILL)
                except ProcessLookupError:
                    continue


def _is_marked(entry: Path, mark: bytes) -> bool:
    try:
        return mark in (entry / "environ").read_bytes()
    except OSError:
        return False


def removed(containers: Iterable[Container | None]) -> None:
    """End those that there are, and leave nothing of them."""
    for each in filter(None, containers):
        each.kill()
        shutil.rmtree(each.folder)
