"""Electrons on the machine that the control plane runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.base import BaseExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

EXECUTOR_PLUGIN_NAME = "LocalExecutor"


class LocalExecutor(BaseExecutor):
    """Runs electrons in worker processes beside the control plane; on AWS, in the deployment's own runner.

    Args:
        workdir: no effect, each electron has a working directory of its own.
        create_unique_workdir: no effect, as above.
        settings: see `AbstractExecutor`.

    """

    SHORT_NAME = "local"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        *args: Any,
        workdir: str = "",  # noqa: ARG002  # see the docstring
        create_unique_workdir: bool = True,  # noqa: ARG002  # as above
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)

    def run(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        task_metadata: Mapping[str, Any],  # noqa: ARG002  # the documented signature
    ) -> Any:
        """Call the function here and now."""
        return function(*args, **kwargs)
