"""`terraform` and `covalent` against a LocalStack, as a user's shell would call them."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PREFIX = "e2e"
SECONDS = 900
PROVIDER = """\
provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""
"""LocalStack's address comes by AWS_ENDPOINT_URL; a bucket is no part of the host name when that is a number."""


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long something took."""
    began = time.monotonic()
    yield
    print(f"{what:<40} {time.monotonic() - began:7.1f} s")


def run(*command: str, environment: Mapping[str, str], codes: tuple[int, ...] = (0,)) -> str:
    """Run a command and return what it printed; any other exit code than `codes` fails the test."""
    done = subprocess.run(
        command,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode in codes, f"{' '.join(command)}\n{done.stdout[-6000:]}"
    return done.stdout


def build(folder: Path, environment: Mapping[str, str]) -> None:
    """Build the zips of the functions."""
    command = [sys.executable, "-m", "covalent._deploy.artifacts", "--output", str(folder)]
    print(run(*command, "--architecture", "x86_64", environment=environment))


@dataclass(frozen=True)
class Terraform:
    """A copy of the modules, with `examples/minimal` to apply."""

    folder: Path
    environment: Mapping[str, str]
    artifacts: Path

    def prepare(self) -> None:
        """Copy the modules and fetch the provider."""
        ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "provider_override.tf")
        shutil.copytree(ROOT / "infra" / "terraform", self.folder, ignore=ignored)
        (self._example / "provider_override.tf").write_text(PROVIDER)
        self._run("init")

    def apply(self) -> str:
        """Make everything; returns the last lines."""
        return self._run("apply", "-auto-approve", *self._variables)

    def destroy(self) -> str:
        """Remove everything."""
        return self._run("destroy", "-auto-approve", *self._variables)

    def drift(self) -> dict[str, set[str]]:
        """The attributes that a plan would change, by address of the resource."""
        self._run("plan", f"-out={self.folder / 'plan'}", *self._variables)
        plan = json.loads(self._run("show", "-json", str(self.folder / "plan")))
        changes = {each["address"]: each["change"] for each in plan["resource_changes"]}
        return {
            address: _changed(change)
            for address, change in changes.items()
            if change["actions"] not in (["no-op"], ["read"])
        }

    def outputs(self) -> dict[str, Any]:
        """The outputs by name."""
        found = json.loads(self._run("output", "-json"))
        return {name: output["value"] for name, output in found.items()}

    def resources(self) -> list[str]:
        """The addresses of what is in the state."""
        return self._run("state", "list").split()

    @property
    def _example(self) -> Path:
        return self.folder / "examples" / "minimal"

    @property
    def _variables(self) -> tuple[str, ...]:
        values = {"artifacts": self.artifacts, "protect": "false", "prefix": PREFIX}
        return ("-input=false", *(f"-var={name}={value}" for name, value in values.items()))

    def _run(self, *arguments: str) -> str:
        where = f"-chdir={self._example}"
        extra = () if arguments[0] in ("show", "output", "state") else ("-no-color",)
        return run("terraform", where, *arguments, *extra, environment=self.environment)


def _changed(change: Mapping[str, Any]) -> set[str]:
    before, after = change["before"] or {}, change["after"] or {}
    unknown = {name for name, value in (change["after_unknown"] or {}).items() if value is True}
    known = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return known | unknown


def client_environment(base: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment of the `covalent` command and of the SDK, with folders of the tests' own."""
    names = ("CONFIG_DIR", "DATA_DIR", "CACHE_DIR", "LOGDIR", "RESULTS_DIR")
    own = {f"COVALENT_{name}": str(folder / name.lower()) for name in names}
    return {**base, **own, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
