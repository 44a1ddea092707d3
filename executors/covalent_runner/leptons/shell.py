"""Commands and scripts in bash, with named outputs."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

from covalent_runner.errors import LeptonFailed
from covalent_runner.leptons.library import Library
from covalent_runner.leptons.placeholders import filled

_STDERR_SHOWN = 4000
"""Characters of what bash wrote to stderr that go into the error: its end tells what went wrong."""
_READ_ONLY = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})
_WORDS_FOR_FALSE = frozenset({"", "0", "false", "no"})

# Bash reads this file before the command, whose lines so keep their numbers. On exit each variable that is set goes
# into the file of outputs, NUL after name and value; the command's own exit status stays.
_PROLOGUE = """\
unset BASH_ENV
__outputs=%s
trap '{ for __name in %s; do
  [ -z "${!__name+set}" ] || printf "%%s\\\\0%%s\\\\0" "$__name" "${!__name}"
done; } > "$__outputs"' EXIT
"""


@dataclass(frozen=True)
class Output:
    """A shell variable to read back, and what makes a value of its text."""

    name: str
    cast: Callable[[str], Any] = str

    def value(self, texts: Mapping[str, str]) -> Any:
        """The value, out of the texts of all that were set.

        Raises:
            LeptonFailed: it was not set, or its text is no such value.

        """
        if self.name not in texts:
            raise LeptonFailed(
                f"the command never set its output {self.name!r}, or ended without bash's EXIT trap"
            )
        try:
            return self.cast(texts[self.name])
        except (ValueError, TypeError) as exc:
            raise LeptonFailed(
                f"the output {self.name!r} is {texts[self.name]!r}, not {_type_name(self.cast)}: {exc}"
            ) from exc


def to_bool(text: str) -> bool:
    """A shell's idea of true and false: empty, 0, no and false are false."""
    return text.strip().lower() not in _WORDS_FOR_FALSE


def _type_name(cast: Callable[[str], Any]) -> str:
    return str(getattr(cast, "__name__", cast))


@dataclass(frozen=True)
class _Shell:
    """Runs a command with positional arguments as $1, $2, ... and keyword arguments as exported variables."""

    outputs: tuple[Output, ...] = ()
    title: str = "bash"

    @property
    def __name__(self) -> str:
        """The name of the node."""
        return self.title

    def check(
        self,
        args: Sequence[Any],  # noqa: ARG002  # as `CFunction.check`
        kwargs: Mapping[str, Any],
    ) -> None:
        """Refuse what bash can have no variable for.

        Raises:
            TypeError: a keyword is a variable that bash does not let anybody set.

        """
        if taken := sorted(_READ_ONLY.intersection(kwargs)):
            raise TypeError(f"bash keeps {', '.join(taken)} for itself: take another keyword")

    def _run(self, command: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        texts = {name: _text(value) for name, value in kwargs.items()}
        words = [_text(value) for value in args]
        with TemporaryDirectory(prefix="lepton-") as folder:
            found = _bash(filled(command, texts), words, texts, self.outputs, Path(folder))
        values = tuple(output.value(found) for output in self.outputs)
        return values[0] if len(values) == 1 else values or None


@dataclass(frozen=True)
class ShellCommand(_Shell):
    """A command; `{name}` in it stands for a keyword argument."""

    command: str = ""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it.

        Returns:
            None without outputs, the value of one, a tuple of several.

        Raises:
            LeptonFailed: it failed, or an output is missing.

        """
        return self._run(self.command, args, kwargs)


@dataclass(frozen=True)
class ShellFunction(_Shell):
    """A function of a script that came along."""

    function: str = ""
    library: Library = field(default_factory=lambda: Library("", b""))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Read the script and call the function; see `ShellCommand`."""
        with self.library.on_disk() as script:
            where = shlex.quote(str(script))
            return self._run(_CALL.format(script=where, function=self.function), args, kwargs)


_CALL = """\
. {script} || exit
[ "$(type -t {function})" = function ] || {{ echo "the script has no function {function}" >&2; exit 127; }}
{function} "$@"
"""


@dataclass(frozen=True)
class WrittenCommand(_Shell):
    """A command that a Python function writes from the arguments, where the electron runs."""

    writer: Callable[..., str] = str

    @property
    def __wrapped__(self) -> Callable[..., str]:
        """For the signature."""
        return self.writer

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Run what the function returns.

        Raises:
            LeptonFailed: it failed, or is no text.

        """
        command = self.writer(*args, **kwargs)
        if not isinstance(command, str):
            raise LeptonFailed(
                f"{_type_name(self.writer)} must return the command as text, not {command!r}"
            )
        self._run(command, (), {})


def _text(value: Any) -> str:
    text = value.decode() if isinstance(value, bytes) else str(value)
    if "\0" in text:
        raise LeptonFailed(f"bash cannot take the argument {text!r}: it holds a NUL character")
    return text


def _bash(
    command: str,
    words: Sequence[str],
    variables: Mapping[str, str],
    outputs: Sequence[Output],
    folder: Path,
) -> Mapping[str, str]:
    """Run a command and read its outputs. It is read from a file: standard input is empty, and left to the command."""
    bash = shutil.which("bash")
    if bash is None:
        raise LeptonFailed("a bash lepton needs bash, which is not on the PATH where it ran")
    script, prologue, written = (folder / name for name in ("command", "prologue", "outputs"))
    script.write_text(command)
    prologue.write_text(
        _PROLOGUE % (shlex.quote(str(written)), " ".join(each.name for each in outputs))
    )
    with ExitStack() as stack:
        stderr = stack.enter_context(TemporaryFile())
        try:
            done = subprocess.run(  # noqa: S603  # the user's own command; arguments are words of their own
                [bash, str(script), *words],
                env={**os.environ, **variables, "BASH_ENV": str(prologue)},
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                check=False,
            )
        except OSError as exc:
            raise LeptonFailed(
                f"bash cannot be started with these arguments: {exc}; an argument may have 128 KiB, write "
                "longer ones to a file"
            ) from exc
        said = _passed_on(stderr)
    if done.returncode != 0:
        raise LeptonFailed(f"the command {_ending(done.returncode)}\n{said}".rstrip())
    return _read(written)


def _passed_on(stderr: IO[bytes]) -> str:
    """Write on what bash wrote to stderr; return its end."""
    stderr.seek(0)
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "wb") as ours:
        shutil.copyfileobj(stderr, ours)
    stderr.seek(max(0, stderr.tell() - 4 * _STDERR_SHOWN))
    return stderr.read().decode(errors="replace")[-_STDERR_SHOWN:]


def _ending(status: int) -> str:
    return f"ended with exit status {status}" if status > 0 else f"was ended by signal {-status}"


def _read(path: Path) -> Mapping[str, str]:
    """The texts of the outputs that were set; none if the trap never ran."""
    try:
        fields = path.read_bytes().decode(errors="replace").split("\0")
    except FileNotFoundError:
        return {}
    return dict(zip(fields[::2], fields[1::2], strict=False))
