"""Leptons: tasks in another language, or in a library that is called by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from covalent._shared_files.exceptions import InvalidArguments
from covalent._workflow.description import describe
from covalent._workflow.electron import Electron
from covalent._workflow.metadata import hooks_of, with_files
from covalent._workflow.own_modules import own_file
from covalent_contracts.errors import InvalidWorkflow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from covalent._workflow.arguments import Parameters
    from covalent._workflow.metadata import BashLike, CallLike, ExecutorLike, PipLike
    from covalent_runner.leptons.library import Library


class _NotChosen(str):
    """Covalent's documented default, `dask`. Nobody has chosen it, so the lattice's executor is taken."""

    __slots__ = ()


NOT_CHOSEN = _NotChosen("dask")
_LANGUAGES = {"python": "python", "c": "c", "bash": "bash", "shell": "bash"}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Lepton(Electron):
    """A task that is a function of a library, or a command.

    Args:
        language: "python", "C" or "bash" ("shell").
        library_name: a file on this machine, which travels with the workflow; or the name of an installed Python
            module, or of a C library that the system's loader finds where the electron runs.
        function_name: the function in it.
        argtypes: pairs of a type (C: of ctypes) and what becomes of the argument: `INPUT`, `OUTPUT` or `INPUT_OUTPUT`.
            In bash, the types of the named outputs are those of the pairs that are not `INPUT`, in order.
        command: the command in place of a library; `{name}` in it stands for a keyword argument.
        named_outputs: the shell variables whose values are returned.
        display_name: what the task is called.
        executor: where to run it; by default the lattice's.
        files: file transfers before and after it.
        deps_bash: shell commands to run before it.
        deps_pip: PyPI packages to install before it.
        call_before: functions to call before it.
        call_after: functions to call after it.

    Raises:
        ValueError: the language is unknown, or the arguments do not go together.
        TypeError: a type is none that the language can take.

    """

    INPUT: ClassVar[int] = 0
    OUTPUT: ClassVar[int] = 1
    INPUT_OUTPUT: ClassVar[int] = 2

    __slots__ = (
        *("_casts", "_made", "_stamp", "argtypes", "command", "display_name", "function_name"),
        *("language", "library_name", "named_outputs"),
    )

    def __init__(  # noqa: PLR0913  # the signature is Covalent's
        self,
        language: str = "python",
        *,
        library_name: str | Path = "",
        function_name: str = "",
        argtypes: Sequence[tuple[Any, int]] = [],  # the documented default; copied
        command: str = "",
        named_outputs: Sequence[str] = [],  # the documented default; copied
        display_name: str = "",
        executor: ExecutorLike | None = NOT_CHOSEN,
        files: Sequence[Any] = [],  # the documented default; never changed
        deps_bash: BashLike | None = [],  # noqa: B006  # the documented default; copied
        deps_pip: PipLike | None = None,
        call_before: CallLike = [],  # noqa: B006  # the documented default; copied
        call_after: CallLike = [],  # noqa: B006  # the documented default; copied
    ) -> None:
        self._made: Any = None
        self._stamp: tuple[int, int] | None = None
        self.language = language
        self.library_name = str(library_name)
        self.function_name = function_name
        self.argtypes = list(argtypes)
        self.command = command
        self.named_outputs = list(named_outputs)
        self.display_name = display_name
        metadata = lepton_metadata(
            executor=executor,
            deps_bash=deps_bash,
            deps_pip=deps_pip,
            call_before=call_before,
            call_after=call_after,
        )
        metadata["hooks"] = with_files(metadata["hooks"], files, _without_parameters)
        super().__init__(None, metadata=metadata)
        self._check_parts()
        self._name = display_name or function_name or describe(command.strip().partition("\n")[0])
        self._casts = self._read_types()

    @property
    def function(self) -> Any:
        """What runs, with its library in it, which is read anew when the file has changed.

        Raises:
            InvalidWorkflow: the library is not there.

        """
        path = self._file()
        stamp = None if path is None else _stamp(path, self._name)
        if self._made is None or stamp != self._stamp:
            self._made, self._stamp = self._make(path), stamp
        return self._made

    @function.setter
    def function(self, function: Any) -> None:
        self._made = function

    def _check_parts(self) -> None:
        language = _LANGUAGES.get(self.language.lower())
        if language is None:
            raise ValueError(
                f"a lepton cannot be in {self.language!r}: the languages are Python, C and bash"
            )
        if language != "bash" and (self.command or not self.library_name):
            raise ValueError(
                f"a lepton in {self.language} takes library_name and function_name, and no command"
            )
        if bool(self.command) == bool(self.library_name):
            raise ValueError("a lepton in bash takes either a command or a library_name")
        if self.library_name and not self.function_name:
            raise ValueError(f"which function of {self.library_name}? function_name is missing")
        if self.named_outputs and language != "bash":
            raise ValueError("named_outputs are shell variables: only a lepton in bash has them")
        for name in self.named_outputs:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{name!r} in named_outputs is no name of a shell variable")

    def _read_types(self) -> list[Any]:
        """What the language makes of `argtypes`: arguments of C, casts for the outputs of bash.

        Raises:
            ValueError, TypeError: see the class.

        """
        from covalent._workflow import lepton_types  # noqa: PLC0415  # loaded when first used

        if not self.argtypes and _LANGUAGES[self.language.lower()] != "bash":
            return []
        pairs = lepton_types.pairs(self.argtypes)
        match _LANGUAGES[self.language.lower()]:
            case "c":
                return lepton_types.c_arguments(pairs)
            case "bash":
                return lepton_types.outputs(self.named_outputs, pairs)
            case _:
                return []

    def _file(self) -> Path | None:
        """The library on this machine; None if it goes by name.

        Raises:
            InvalidWorkflow: it is a path, and nothing is there.

        """
        name = self.library_name
        language = _LANGUAGES[self.language.lower()]
        path = Path(name).expanduser()
        if not name or (language != "python" and path.is_file()):
            return path if name else None
        by_name = "/" not in name and path.suffix not in (".py", ".sh")
        if by_name and language != "bash":
            return own_file(name) if language == "python" else None
        if path.is_file():
            return path
        raise InvalidWorkflow(
            f"the library of lepton {self._name} is not there: {path.absolute()} is no file on this machine"
        )

    def _make(self, path: Path | None) -> Any:
        from covalent_runner.leptons import c_function, library, shell  # noqa: PLC0415  # loaded when first used

        found = None if path is None else library.Library(path.name, path.read_bytes())
        match _LANGUAGES[self.language.lower()]:
            case "c":
                return c_function.CFunction(
                    self.function_name,
                    tuple(self._casts),
                    self.library_name if found is None else "",
                    found,
                    self._name,
                )
            case "python":
                return _python(self.function_name, self.library_name, found, self._name)
            case _ if found is not None:
                outputs = tuple(self._casts)
                return shell.ShellFunction(outputs, self._name, self.function_name, found)
            case _:
                return shell.ShellCommand(tuple(self._casts), self._name, self.command)

    def _check(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], metadata: Mapping[str, Any]
    ) -> Parameters:
        try:
            self.function.check(args, kwargs)
        except TypeError as exc:
            raise InvalidArguments(str(exc)) from exc
        return super()._check(args, kwargs, metadata)


def lepton_metadata(
    *,
    executor: ExecutorLike | None,
    deps_bash: BashLike | None,
    deps_pip: PipLike | None,
    call_before: CallLike,
    call_after: CallLike,
) -> dict[str, Any]:
    """The metadata of a lepton.

    Raises:
        ValueError: a call is to give its value to a parameter, of which a lepton has none.

    """
    hooks = hooks_of(
        deps_bash=deps_bash,
        deps_pip=deps_pip,
        deps_module=None,
        call_before=call_before,
        call_after=call_after,
    )
    for call in hooks["call_before"] if hooks else ():
        if call.retval_keyword:
            raise ValueError(
                f"retval_keyword {call.retval_keyword!r} of a DepsCall has no effect on a lepton: leave it out"
            )
    return {"executor": None if executor is NOT_CHOSEN else executor, "hooks": hooks}


def _without_parameters() -> None:
    """What a lepton is to its file transfers: nothing in it takes where the files are."""


def _stamp(path: Path, name: str) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as exc:
        raise InvalidWorkflow(f"the library of lepton {name} cannot be read: {exc}") from exc
    return found.st_mtime_ns, found.st_size


def _python(function: str, module: str, library: Library | None, title: str) -> Any:
    from covalent_runner.leptons.python import PythonFunction  # noqa: PLC0415  # loaded when first used

    return PythonFunction(function, module if library is None else "", library, title)
