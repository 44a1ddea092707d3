"""Electrons on the machine that the control plane runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.base import BaseExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

EXECUTOR_PLUGIN_NAME = "LocalExecutor"


class LocalExecutor(BaseExecutor):
    """Runs electrons in worker processes beside the control plane; on AWS, in the deployment's own runner."""

    SHORT_NAME = "local"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = {}

    def run(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        task_metadata: Mapping[str, Any],  # noqa: ARG002  # the documented signature
    ) -> Any:
        """Call the function here and now."""
        return function(*args, **kwargs)
