"""rsync, between paths of this machine or over ssh, whose host keys are always checked."""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from covalent_runner.transfers import disk
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.errors import End, EndFailed, TransferFailed, machine
from covalent_runner.transfers.places import Place

SSH_PORT = 22
_STALLED = 120
"""Seconds without a byte."""
_SSH_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=30",
    "ServerAliveInterval=15",
)
_KEY = re.compile(r"\s(ssh-|ecdsa-|sk-)")
"""What tells lines of known hosts from the path of a file of them."""
_SHOWN = 2000
"""Characters of what rsync wrote: its end tells what went wrong."""
_INSTALL = (
    "apt-get install rsync openssh-client, dnf install rsync openssh-clients, or brew install rsync"
)


@dataclass(frozen=True)
class Rsync:
    """From one path to another, one of which may be on another host.

    Attributes:
        host: the other host, as ssh knows it. Without one, both paths are on this machine.
        user: there.
        port: there.
        key: where the private key is kept; otherwise ssh takes its own.
        known_hosts: a file of known hosts on this machine, or the lines of one; otherwise ssh's own.

    """

    host: str = ""
    user: str = ""
    port: int = SSH_PORT
    key: Secret | None = None
    known_hosts: str = ""

    def copy(self, source: Place, target: Place) -> None:
        """Copy a file or a folder with permissions, times and links."""
        remote = source.remote or target.remote
        for tool in ("rsync", "ssh") if remote else ("rsync",):
            if shutil.which(tool) is None:
                raise TransferFailed(f"{tool} is not installed on {machine()}: {_INSTALL}")
        source, target = _from_home(source), _from_home(_named(source, target))
        _check_local(source, target)
        with ExitStack() as opened:
            key = None if self.key is None else opened.enter_context(self.key.file())
            hosts = opened.enter_context(self._known_hosts())
            self._run(self.command(source, target, key, hosts))

    def command(
        self, source: Place, target: Place, key: Path | None, hosts: Path | None
    ) -> list[str]:
        """What is run."""
        command = ["rsync", "--archive", f"--timeout={_STALLED}", "--protect-args"]
        if source.remote or target.remote:
            command += ["--rsh", shlex.join(self._ssh(key, hosts))]
        if target.remote:
            folder = target.path if source.folder else str(PurePosixPath(target.path).parent)
            command += ["--rsync-path", f"mkdir -p -- {shlex.quote(folder)} && rsync"]
        return [*command, "--", self._end(source), self._end(target)]

    def _ssh(self, key: Path | None, hosts: Path | None) -> list[str]:
        command = ["ssh", "-p", str(self.port)]
        for option in _SSH_OPTIONS:
            command += ["-o", option]
        if key is not None:
            command += ["-i", str(key), "-o", "IdentitiesOnly=yes"]
        if hosts is not None:
            command += ["-o", f'UserKnownHostsFile="{hosts}"']
        return command

    def _end(self, place: Place) -> str:
        path = place.path
        if place.folder and not place.include_folder:
            path = f"{path.rstrip('/')}/"
        elif place.folder:
            path = path.rstrip("/")
        if not place.remote:
            return path
        return f"{self.user}@{self.host}:{path}" if self.user else f"{self.host}:{path}"

    @contextmanager
    def _known_hosts(self) -> Iterator[Path | None]:
        if not _KEY.search(self.known_hosts):
            yield Path(self.known_hosts).expanduser() if self.known_hosts else None
            return
        with tempfile.NamedTemporaryFile("w", prefix="known_hosts-") as file:
            file.write(self.known_hosts.strip() + "\n")
            file.flush()
            yield Path(file.name)

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(  # noqa: S603  # no shell; the paths are the user's own
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise self._failure(done.returncode, done.stdout.strip()[-_SHOWN:])

    def _failure(self, status: int, said: str) -> Exception:
        told = f" (rsync says: {'; '.join(said.split(chr(10)))})"
        for words, end, reason in _FAILURES:
            if re.search(words, said, re.IGNORECASE | re.MULTILINE):
                return EndFailed(end, reason.format(host=self.host, port=self.port) + told)
        return TransferFailed(f"rsync ended with exit status {status}{told}")


_FAILURES: tuple[tuple[str, End, str], ...] = (
    (
        "Host key verification failed|HOST IDENTIFICATION HAS CHANGED",
        "remote",
        "is on a host whose key is not known, or has changed: compare what `ssh-keyscan -p {port} {host}` prints with"
        " the host's own fingerprint, then put it into ~/.ssh/known_hosts where electrons run,"
        " or pass it as Rsync(known_hosts=...)",
    ),
    (
        r"Permission denied \(|Too many authentication failures",
        "remote",
        "is refused: {host} takes neither user nor key; pass user and private_key_path",
    ),
    (r"^ssh: |^kex_|^Connection (closed|reset|timed out)", "remote", "cannot be reached by ssh"),
    (
        "rsync: command not found|rsync: not found",
        "remote",
        f"is on a host without rsync: {_INSTALL} there",
    ),
    ("(link_stat|change_dir) .*failed: No such file", "source", "does not exist"),
    (r"\[sender\].*(Permission denied|failed)", "source", "cannot be read"),
    (r"\[(receiver|generator)\] .*failed|mkdir: |No space left", "target", "cannot be written"),
)
"""What rsync and ssh write, at which end that is, and how to tell it."""


def _from_home(place: Place) -> Place:
    """A path of the other host that begins with its user's home: relative paths do, and no shell expands this one."""
    if place.remote and (place.path == "~" or place.path.startswith("~/")):
        return replace(place, path=place.path[2:] or ".")
    return place


def _named(source: Place, target: Place) -> Place:
    """Give a file that goes into a folder its name there, so that the folder need not exist."""
    if source.folder or not target.folder:
        return Place(target.path, target.remote, folder=source.folder)
    return Place(f"{target.path.rstrip('/')}/{source.name}", target.remote)


def _check_local(source: Place, target: Place) -> None:
    """Check what is on this machine, to tell more than rsync does."""
    if not source.remote:
        _ = disk.files_of(source) if source.folder else disk.readable(source)
    if not target.remote:
        path = Path(target.path)
        disk.make_folder(path) if source.folder else disk.check_writable(path)
