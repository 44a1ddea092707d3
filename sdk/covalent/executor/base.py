"""What every executor is: the settings of a place to run electrons, and how to run one function there.

A subclass lists its own settings in `_EXECUTOR_PLUGIN_DEFAULTS`; the section `[executors.<short name>]` of the
configuration changes the defaults, arguments of the constructor win. Settings are JSON values: they travel.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from covalent.executor.settings import configured_settings
from covalent_contracts import context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from covalent._shared_files.util_classes import DispatchInfo

_COMMON: Mapping[str, Any] = {
    "log_stdout": "",
    "log_stderr": "",
    "cache_dir": "",
    "time_limit": -1,
    "retries": 0,
}


class AbstractExecutor(ABC):
    """The settings of an executor.

    Args:
        log_stdout: file for what electrons write to stdout.
        log_stderr: file for what they write to stderr.
        cache_dir: folder for cached files.
        time_limit: seconds an electron may run; -1 for no limit.
        retries: times to try again when an electron fails.
        settings: those of the subclass.

    Raises:
        TypeError: the executor has no setting of this name.

    """

    SHORT_NAME: ClassVar[str | None] = None
    """Name in configuration and on the wire; the name of the module if not set."""

    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = {}

    log_stdout: str
    log_stderr: str
    cache_dir: str
    time_limit: float
    retries: int

    def __init__(self, *args: Any, **settings: Any) -> None:
        defaults = {**_COMMON, **self._EXECUTOR_PLUGIN_DEFAULTS}
        if len(args) > len(_COMMON):
            raise TypeError(f"{type(self).__name__} takes {len(_COMMON)} positional arguments")
        given = {**dict(zip(_COMMON, args, strict=False)), **settings}
        self._refuse_unknown(given, defaults)
        configured = configured_settings(self.short_name())
        known = {name: value for name, value in configured.items() if name in defaults}
        for name, value in {**defaults, **known, **given}.items():
            setattr(self, name, value)
        self._job_handle: Any = None

    def _refuse_unknown(self, given: Iterable[str], known: Iterable[str]) -> None:
        for name in given:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f": did you mean {near[0]!r}?" if near else ""
                raise TypeError(f"{type(self).__name__} has no setting {name!r}{hint}")

    @classmethod
    def short_name(cls) -> str:
        """The name by which configuration and control plane know the executor."""
        return cls.SHORT_NAME or cls.__module__.rpartition(".")[2]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serializable representation: type, short name and settings."""
        attributes = {name: value for name, value in vars(self).items() if name[0] != "_"}
        return {
            "type": type(self).__name__,
            "short_name": self.short_name(),
            "attributes": attributes,
        }

    def from_dict(self, object_dict: Mapping[str, Any]) -> Self:
        """Take over what `to_dict` gave; every setting of this object is overwritten."""
        for name, value in object_dict["attributes"].items():
            setattr(self, name, value)
        return self

    def get_dispatch_context(
        self, dispatch_info: DispatchInfo
    ) -> AbstractContextManager[DispatchInfo]:
        """Say which dispatch the code in a `with` block works for."""
        return _dispatch_context(dispatch_info)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.to_dict() == other.to_dict()

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        settings = self.to_dict()["attributes"].items()
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in settings)})"


class BaseExecutor(AbstractExecutor):
    """Base of executors that run a function and wait for it."""

    @abstractmethod
    def run(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        task_metadata: Mapping[str, Any],
    ) -> Any:
        """Run a function and return what it returns; `task_metadata` has `dispatch_id` and `node_id`."""

    def execute(  # the documented signature
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        dispatch_id: str,
        results_dir: str,
        node_id: int = -1,
    ) -> Any:
        """Set up, run a function, tear down.

        Returns:
            What the function returns.

        """
        metadata = {"dispatch_id": dispatch_id, "node_id": node_id, "results_dir": results_dir}
        self.setup(metadata)
        try:
            with _running(dispatch_id, node_id):
                return self.run(function, args, kwargs, metadata)
        finally:
            self.teardown(metadata)

    def setup(self, task_metadata: Mapping[str, Any]) -> Any:
        """Prepare for one electron; a subclass may override it."""

    def teardown(self, task_metadata: Mapping[str, Any]) -> Any:
        """Clean up after one electron; a subclass may override it."""

    def cancel(
        self,
        task_metadata: Mapping[str, Any],  # noqa: ARG002  # for subclasses
        job_handle: Any,  # noqa: ARG002  # for subclasses
    ) -> Literal[False]:
        """Stop a job; a subclass that can do so overrides it."""
        return False

    def set_job_handle(self, handle: Any) -> Any:
        """Record by which name the place that runs the electron knows it; `cancel` gets it if the user cancels.

        Args:
            handle: anything that JSON can say.

        """
        self._job_handle = handle
        if (control := context.current().control) is not None:
            job = _job_of(context.current())
            control.set_job_handle(json.dumps(handle), lambda: self.cancel(job, handle))
        return handle

    def get_cancel_requested(self) -> bool:
        """Whether the user has cancelled the electron that runs."""
        control = context.current().control
        return control is not None and control.is_cancelled()

    def write_streams_to_file(
        self,
        stream_strings: Iterable[str],
        filepaths: Iterable[str],
        dispatch_id: str,
        results_dir: str,
    ) -> None:
        """Append texts to files; relative paths lie in the dispatch's folder of `results_dir`."""
        _write_streams(stream_strings, filepaths, Path(results_dir) / dispatch_id)


class AsyncBaseExecutor(AbstractExecutor):
    """Base of executors whose work is a coroutine; otherwise as `BaseExecutor`."""

    @abstractmethod
    async def run(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        task_metadata: Mapping[str, Any],
    ) -> Any:
        """Run a function and return what it returns; `task_metadata` has `dispatch_id` and `node_id`."""

    async def execute(  # the documented signature
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        dispatch_id: str,
        results_dir: str,
        node_id: int = -1,
    ) -> Any:
        """Set up, run a function, tear down.

        Returns:
            What the function returns.

        """
        metadata = {"dispatch_id": dispatch_id, "node_id": node_id, "results_dir": results_dir}
        await self.setup(metadata)
        try:
            with _running(dispatch_id, node_id):
                return await self.run(function, args, kwargs, metadata)
        finally:
            await self.teardown(metadata)

    async def setup(self, task_metadata: Mapping[str, Any]) -> Any:
        """Prepare for one electron; a subclass may override it."""

    async def teardown(self, task_metadata: Mapping[str, Any]) -> Any:
        """Clean up after one electron; a subclass may override it."""

    async def cancel(
        self,
        task_metadata: Mapping[str, Any],  # noqa: ARG002  # for subclasses
        job_handle: Any,  # noqa: ARG002  # for subclasses
    ) -> Literal[False]:
        """Stop a job; a subclass that can do so overrides it."""
        return False

    async def set_job_handle(self, handle: Any) -> Any:
        """Record by which name the place that runs the electron knows it; `cancel` gets it if the user cancels.

        Args:
            handle: anything that JSON can say.

        """
        self._job_handle = handle
        if (control := context.current().control) is not None:
            job = _job_of(context.current())
            await asyncio.to_thread(
                control.set_job_handle,
                json.dumps(handle),
                lambda: asyncio.run(self._cancelled(job, handle)),
            )
        return handle

    async def _cancelled(self, job: Mapping[str, Any], handle: Any) -> Any:
        return await self.cancel(job, handle)

    async def get_cancel_requested(self) -> bool:
        """Whether the user has cancelled the electron that runs."""
        control = context.current().control
        return control is not None and await asyncio.to_thread(control.is_cancelled)

    async def write_streams_to_file(
        self,
        stream_strings: Iterable[str],
        filepaths: Iterable[str],
        dispatch_id: str,
        results_dir: str,
    ) -> None:
        """Append texts to files in a thread; relative paths lie in the dispatch's folder of `results_dir`."""
        folder = Path(results_dir) / dispatch_id
        await asyncio.to_thread(_write_streams, list(stream_strings), list(filepaths), folder)


def _job_of(here: context.Context) -> Mapping[str, Any]:
    """What `cancel` is told of an electron."""
    return {"dispatch_id": here.dispatch_id, "node_id": here.node_id}


@contextmanager
def _running(dispatch_id: str, node_id: int) -> Iterator[None]:
    control = context.current().control
    with context.entered(context.Context(dispatch_id, node_id, control)):
        yield


@contextmanager
def _dispatch_context(dispatch_info: DispatchInfo) -> Iterator[DispatchInfo]:
    with context.entered(context.Context(dispatch_info.dispatch_id)):
        yield dispatch_info


def _write_streams(texts: Iterable[str], paths: Iterable[str], folder: Path) -> None:
    for text, path in zip(texts, paths, strict=False):
        if path:
            file = folder / Path(path).expanduser()
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as stream:
                stream.write(text)
