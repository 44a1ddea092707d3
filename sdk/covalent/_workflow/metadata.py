"""What an electron or a lattice says about how it runs: its executor, and what runs around it (hooks).

Hooks are one setting: an electron that sets any of them inherits none of the lattice's.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

from covalent._workflow.deps import Deps
from covalent._workflow.depsbash import DepsBash
from covalent._workflow.depsmodule import DepsModule
from covalent._workflow.depspip import DepsPip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType
    from typing import TypeAlias

    from covalent._file_transfer.file_transfer import FileTransfer
    from covalent.executor.base import AbstractExecutor

    ExecutorLike: TypeAlias = str | AbstractExecutor
    BashLike: TypeAlias = DepsBash | str | Sequence[str]
    PipLike: TypeAlias = DepsPip | str | Sequence[str]
    ModuleLike: TypeAlias = DepsModule | ModuleType | str | Sequence[DepsModule | ModuleType | str]
    CallLike: TypeAlias = Deps | Sequence[Deps]
    FilesLike: TypeAlias = FileTransfer | Sequence[FileTransfer]

DEFAULT_EXECUTOR = "local"


def hooks_of(
    *,
    deps_bash: BashLike | None,
    deps_pip: PipLike | None,
    deps_module: ModuleLike | None,
    call_before: CallLike,
    call_after: CallLike,
) -> dict[str, Any] | None:
    """The hooks as metadata keeps them, or None if nothing is set."""
    before, after = _listed(call_before, "call_before"), _listed(call_after, "call_after")
    deps: dict[str, Any] = {}
    if deps_bash:
        deps["bash"] = deps_bash if isinstance(deps_bash, DepsBash) else DepsBash(deps_bash)
    if deps_pip:
        deps["pip"] = deps_pip if isinstance(deps_pip, DepsPip) else DepsPip(deps_pip)
    if modules := _modules(deps_module):
        deps["module"] = modules
    if not (deps or before or after):
        return None
    return {"deps": deps, "call_before": before, "call_after": after}


def with_files(
    hooks: dict[str, Any] | None, files: FilesLike, function: Callable[..., Any]
) -> dict[str, Any] | None:
    """Hooks, and the file transfers of a function: before what is called before it, and after it before the rest.

    Raises:
        TypeError: something else than a file transfer is to be made.

    """
    if not files:
        return hooks
    from covalent._file_transfer.hooks import calls_around  # noqa: PLC0415  # loaded when first used

    before, after = calls_around(files, function)
    known = hooks or {"deps": {}, "call_before": [], "call_after": []}
    return {
        "deps": known["deps"],
        "call_before": [*before, *known["call_before"]],
        "call_after": [*after, *known["call_after"]],
    }


def executor_or_backend(
    executor: ExecutorLike | None, backend: ExecutorLike | None
) -> ExecutorLike | None:
    """The executor, which was once called backend."""
    if backend is None:
        return executor
    warnings.warn(
        "backend is deprecated and will be removed: use executor", DeprecationWarning, stacklevel=3
    )
    return executor or backend


def resolved(own: Mapping[str, Any], lattice: Mapping[str, Any]) -> dict[str, Any]:
    """An electron's metadata in a lattice: per setting its own, else the lattice's, else the default."""
    return {
        "executor": own.get("executor") or lattice.get("executor") or DEFAULT_EXECUTOR,
        "hooks": own.get("hooks") or lattice.get("hooks"),
    }


def workflow_metadata(lattice: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of nodes that belong to the workflow itself."""
    chosen = lattice.get("workflow_executor") or lattice.get("executor")
    return {"executor": chosen or DEFAULT_EXECUTOR, "hooks": None}


def injected(hooks: Mapping[str, Any] | None) -> frozenset[str]:
    """The parameters that `call_before` fills in."""
    if hooks is None:
        return frozenset()
    return frozenset(call.retval_keyword for call in hooks["call_before"] if call.retval_keyword)


def _listed(calls: CallLike, setting: str) -> list[Deps]:
    found = [calls] if isinstance(calls, Deps) else list(calls)
    for each in found:
        if not isinstance(each, Deps):
            raise TypeError(f"{setting} takes DepsCall objects, not {each!r}: write DepsCall(...)")
    return found


def _modules(modules: ModuleLike | None) -> list[DepsModule]:
    if modules is None:
        return []
    several: Sequence[DepsModule | ModuleType | str] = (
        modules if isinstance(modules, list | tuple) else [cast("ModuleType | str", modules)]
    )
    return [each if isinstance(each, DepsModule) else DepsModule(each) for each in several]
