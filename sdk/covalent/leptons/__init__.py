"""Decorators for tasks in other languages."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, overload

from covalent._workflow.decoration import ElectronFunction, decorated
from covalent._workflow.electron import Electron
from covalent._workflow.lepton import NOT_CHOSEN, lepton_metadata
from covalent._workflow.metadata import with_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from covalent._workflow.metadata import BashLike, CallLike, ExecutorLike, PipLike

__all__ = ["bash"]

P = ParamSpec("P")


@overload
def bash(_func: Callable[P, str]) -> ElectronFunction[P, None]: ...


@overload
def bash(
    _func: None = None,
    *,
    display_name: str = ...,
    executor: ExecutorLike | None = ...,
    files: Sequence[Any] = ...,
    deps_bash: BashLike | None = ...,
    deps_pip: PipLike | None = ...,
    call_before: CallLike = ...,
    call_after: CallLike = ...,
) -> Callable[[Callable[P, str]], ElectronFunction[P, None]]: ...


def bash(
    _func: Callable[..., str] | None = None,
    *,
    display_name: str = "",
    executor: ExecutorLike | None = NOT_CHOSEN,
    files: Sequence[Any] = [],  # the documented default; never changed
    deps_bash: BashLike | None = [],  # noqa: B006  # the documented default; copied
    deps_pip: PipLike | None = None,
    call_before: CallLike = [],  # noqa: B006  # the documented default; copied
    call_after: CallLike = [],  # noqa: B006  # the documented default; copied
) -> Any:
    """Make a function that returns a shell command a task that runs it.

    The function is called where the task runs, so that it may take what other electrons return. What bash prints is the
    task's output; the task has no value.

    Args:
        _func: the function.
        display_name: what the task is called; by default like the function.
        executor: where to run it; by default the lattice's.
        files: file transfers before and after it.
        deps_bash: shell commands to run before it.
        deps_pip: PyPI packages to install before it.
        call_before: functions to call before it.
        call_after: functions to call after it.

    Raises:
        ValueError: a call is to give its value to a parameter.

    """
    metadata = lepton_metadata(
        executor=executor,
        deps_bash=deps_bash,
        deps_pip=deps_pip,
        call_before=call_before,
        call_after=call_after,
    )

    def decorate(function: Callable[..., str]) -> Any:
        from covalent_runner.leptons.shell import WrittenCommand  # noqa: PLC0415  # loaded when first used

        command = WrittenCommand(title=display_name or function.__name__, writer=function)
        own = metadata | {"hooks": with_files(metadata["hooks"], files, function)}
        return functools.update_wrapper(decorated(Electron(command, metadata=own)), function)

    return decorate if _func is None else decorate(_func)
