"""What executors and electrons know of where they run."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covalent._shared_files.config import get_config
from covalent_contracts import context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from covalent._shared_files.util_classes import DispatchInfo


def metadata(dispatch_id: str, node_id: int, results_dir: str) -> dict[str, Any]:
    """What `setup`, `run` and `teardown` are told of an electron."""
    place = results_dir or str(get_config("sdk.results_dir"))
    return {"dispatch_id": dispatch_id, "node_id": node_id, "results_dir": place}


def folder(results_dir: str, dispatch_id: str) -> Path:
    """Where relative paths of log files begin; an empty `results_dir` is the configured one."""
    return Path(results_dir or str(get_config("sdk.results_dir"))) / dispatch_id


def job_of(here: context.Context) -> Mapping[str, Any]:
    """What `cancel` is told of an electron."""
    return {"dispatch_id": here.dispatch_id, "node_id": here.node_id}


@contextmanager
def running(dispatch_id: str, node_id: int) -> Iterator[None]:
    """Let code in the block know which electron runs; what is known of how it is controlled stays."""
    control = context.current().control
    with context.entered(context.Context(dispatch_id, node_id, control)):
        yield


@contextmanager
def dispatch_context(dispatch_info: DispatchInfo) -> Iterator[DispatchInfo]:
    """Let code in the block know for which dispatch it works."""
    with context.entered(context.Context(dispatch_info.dispatch_id)):
        yield dispatch_info


def write_streams(texts: Iterable[str], paths: Iterable[str], home: Path) -> None:
    """Append texts to files; those without a path are left out."""
    for text, path in zip(texts, paths, strict=False):
        if path:
            file = home / Path(path).expanduser()
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as stream:
                stream.write(text)
