"""Runs Terraform: the only module that starts it.

Each command is a subprocess in a session of its own, so that Ctrl-C reaches us and not Terraform: it must get one
interrupt, upon which it finishes and records what it has begun, and not a second one, upon which it drops everything.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any, Self

from covalent._deploy import events
from covalent._deploy.errors import Interrupted, MissingProgram
from covalent._deploy.events import Diagnostic, Drift, Event, Note, Planned
from covalent._deploy.explanation import explain, explain_text

OLDEST = (1, 10)
"""The first that locks a state in S3 without a DynamoDB table."""
_INSTALL = (
    "Install it from https://developer.hashicorp.com/terraform/install (macOS: brew install "
    "hashicorp/tap/terraform) and have it on the PATH, then call this again."
)
_PLAN = "deployment.tfplan"
_STOPPING = (
    "Stopping: Terraform finishes and records what it has begun. Two more Ctrl-C drop that, and what is being made "
    "may be lost track of."
)
_QUIET = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
"""Nobody types, and nobody asks whether there is a newer version."""
_STRANGE = ("TF_CLI_ARGS", "TF_VAR_", "TF_WORKSPACE", "TF_DATA_DIR")
"""Variables of the user's own that would change the commands."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DROP_AT = 3
"""Interrupts at which Terraform gets its second one."""


@dataclass(frozen=True)
class Terraform:
    """Terraform in a folder. environment is what it gets beside our own, as credentials; None takes one away."""

    folder: Path
    program: str
    environment: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def find(cls, folder: Path, environment: Mapping[str, str | None] | None = None) -> Self:
        """Terraform from the PATH.

        Raises:
            MissingProgram: there is none, or it is too old.

        """
        program = shutil.which("terraform")
        if program is None:
            raise MissingProgram("terraform is not on the PATH.", _INSTALL)
        found = cls(folder, program, environment or {})
        version = found.version()
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise MissingProgram(
                f"terraform {version} is too old: it must be {oldest} or newer.", _INSTALL
            )
        return found

    def version(self) -> str:
        """Its version, as 1.11.4.

        Raises:
            MissingProgram: the program does not say.

        """
        done = self._ask("version", "-json")
        try:
            return str(json.loads(done.stdout)["terraform_version"])
        except (ValueError, KeyError) as exc:
            raise MissingProgram(f"{self.program} is not Terraform.", _INSTALL) from exc

    def init(self) -> Iterator[Event]:
        """Get modules and provider, and open the state.

        Raises:
            DeployError: it failed.

        """
        yield from self._run("init", "-reconfigure")

    def plan(self, *, destroy: bool = False) -> Iterator[Event]:
        """Find out what is to be done and keep it for `apply`; the last event is `Planned`.

        Raises:
            DeployError: it failed.

        """
        changes: list[events.Change] = []
        drift: list[events.Change] = []
        options = ["-destroy"] if destroy else []
        for event in self._run("plan", "-detailed-exitcode", f"-out={_PLAN}", *options):
            match event:
                case events.Change():
                    changes.append(event)
                case Drift(change):
                    drift.append(change)
                case _:
                    yield event
        planned = tuple(change for change in changes if change.action in events.CHANGES)
        yield Planned(planned, events.relevant(drift, planned))

    def apply(self) -> Iterator[Event]:
        """Do what was planned last.

        Raises:
            DeployError: it failed; what was done is recorded in the state.
            Interrupted: it was stopped; as above.

        """
        try:
            yield from self._run("apply", _PLAN)
        finally:
            (self.folder / _PLAN).unlink(missing_ok=True)

    def outputs(self) -> dict[str, Any]:
        """The values of the outputs by their names; empty if nothing is deployed.

        Raises:
            DeployError: the state cannot be read.

        """
        document = json.loads(self._answer("output", "-json"))
        return {name: each["value"] for name, each in document.items()}

    def resources(self) -> list[tuple[str, str]]:
        """Address and type of each resource in the state, without data sources.

        Raises:
            DeployError: the state cannot be read.

        """
        return [(_address(each, instance), str(each["type"])) for each, instance in self._state()]

    def untaint(self, prefix: str) -> list[str]:
        """Take resources as they are whose making was interrupted; `plan` then finds what they lack.

        Terraform would replace them, and some by making the new one first: then there would be two of one name.

        Args:
            prefix: of their types; addresses are returned.

        Raises:
            DeployError: the state cannot be changed.

        """
        tainted = [
            _address(each, instance)
            for each, instance in self._state()
            if instance.get("status") == "tainted" and str(each["type"]).startswith(prefix)
        ]
        for address in tainted:
            self._answer("untaint", address)
        return tainted

    def _state(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Each instance of each resource."""
        document = json.loads(self._answer("state", "pull") or "{}")
        for each in document.get("resources", ()):
            if each["mode"] == "managed":
                yield from ((each, instance) for instance in each["instances"])

    def _answer(self, *words: str) -> str:
        done = self._ask(*words)
        if done.returncode:
            raise explain_text(done.stderr)
        return done.stdout

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # found on the PATH, no shell
            [self.program, *words],
            cwd=self.folder if self.folder.is_dir() else None,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _run(self, command: str, *options: str) -> Iterator[Event]:
        words = (self.program, command, "-json", "-input=false", *options)
        with _Running.start(words, self.folder, self._environment()) as running:
            yield from running.events()
            running.check(ok=(0, 2) if command == "plan" else (0,))

    def _environment(self) -> dict[str, str]:
        """Ours without what would change the commands, and what tells Terraform that nobody types."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_STRANGE)}
        wanted = {**kept, **_QUIET, **self.environment}
        return {name: value for name, value in wanted.items() if value is not None}


class _Running:
    """A command of Terraform that runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", complaints: IO[bytes]) -> None:
        self._process = process
        self._complaints = complaints
        self._errors: list[Diagnostic] = []
        self._interrupts = 0

    @classmethod
    @contextmanager
    def start(
        cls, words: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> Iterator[Self]:
        """Start it; leaving early stops it cleanly."""
        with tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen(  # noqa: S603  # found on the PATH, no shell
                words,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
            running = cls(process, complaints)
            try:
                with running._signals_passed_on():
                    yield running
            finally:
                running.stop()

    def events(self) -> Iterator[Event]:
        """What it says, until it ends."""
        assert self._process.stdout is not None  # noqa: S101  # for the type: it is a pipe
        told = False
        for line in self._process.stdout:
            if self._interrupts and not told:
                told = True
                yield Note(_STOPPING)
            event = events.read(line)
            if isinstance(event, Diagnostic) and event.is_error:
                self._errors.append(event)
            if event is not None:
                yield event
        self._process.wait()

    def check(self, ok: Sequence[int]) -> None:
        """Raise what went wrong."""
        if self._process.returncode in ok:
            return
        if self._interrupts:
            raise Interrupted("Stopped. What was made is recorded.")
        if self._errors:
            raise explain(self._errors)
        self._complaints.seek(0)
        raise explain_text(self._complaints.read().decode(errors="replace"))

    def stop(self) -> None:
        """Have it end cleanly, if it runs, and wait for that."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        assert self._process.stdout is not None  # noqa: S101  # for the type: it is a pipe
        with self._process.stdout as rest:
            while rest.read(1 << 16):  # or it would wait for a reader
                pass
        self._process.wait()

    @contextmanager
    def _signals_passed_on(self) -> Iterator[None]:
        """Pass signals that ask us to stop on to Terraform, as one interrupt. Only the main thread gets any."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupts += 1
        if self._interrupts in (1, _DROP_AT) and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)


def _address(resource: Mapping[str, Any], instance: Mapping[str, Any]) -> str:
    key = instance.get("index_key")
    index = "" if key is None else f"[{json.dumps(key)}]"
    parts = (resource.get("module", ""), str(resource["type"]), str(resource["name"]))
    return ".".join(part for part in parts if part) + index
