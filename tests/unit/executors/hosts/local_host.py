"""This machine in the place of a host that is reached by ssh: the same scripts, run by a shell of it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from covalent_executors.hosts.host import Done


@dataclass(frozen=True)
class LocalHost:
    """Runs scripts with this environment, in its home."""

    environment: Mapping[str, str] = field(default_factory=dict, hash=False)

    def run(self, script: str) -> Done:
        done = subprocess.run(
            ["/bin/sh", "-s"],
            input=script,
            cwd=self.environment["HOME"],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def put(self, files: Mapping[str, bytes]) -> None:
        for path, content in files.items():
            Path(path).write_bytes(content)
            Path(path).chmod(0o600)

    def get(self, path: str) -> bytes | None:
        return Path(path).read_bytes() if Path(path).exists() else None


@dataclass(frozen=True)
class FailingHost(LocalHost):
    """A host whose scripts all end like this."""

    done: Done = field(default_factory=lambda: Done(0, ""))

    def run(self, script: str) -> Done:
        return self.done
