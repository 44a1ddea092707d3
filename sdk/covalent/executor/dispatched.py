"""What executors have in common whose electrons are run by the deployment: here they are settings and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from covalent.executor.base import AsyncBaseExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class DispatchedExecutor(AsyncBaseExecutor):
    """Base of executors that only a dispatch can use: an electron reaches its place as a state of its dispatch."""

    async def run(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],  # noqa: ARG002  # the documented signature
        kwargs: Mapping[str, Any],  # noqa: ARG002  # the documented signature
        task_metadata: Mapping[str, Any],  # noqa: ARG002  # the documented signature
    ) -> NoReturn:
        """Refuse: nothing here knows how to reach the place.

        Raises:
            RuntimeError: always.

        """
        raise RuntimeError(
            f"{getattr(function, '__name__', function)!r} cannot be run by hand: the deployment runs the electrons of "
            f"{type(self).__name__}; use covalent.dispatch"
        )
