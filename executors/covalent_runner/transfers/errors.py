"""What went wrong with a transfer, told by the end at which it did."""

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Literal

End = Literal["source", "target", "remote"]
"""`remote` is whichever of the two is elsewhere."""


class TransferFailed(Exception):
    """A file could not be transferred; the message says which, at which end, why, and what to do."""


class EndFailed(Exception):
    """One end of a transfer failed; the reason goes on where its name ends: `does not exist: ...`.

    Without a name it is the end itself that failed; with one, a file of the folder that it is.
    """

    def __init__(self, end: End, reason: str, name: str = "") -> None:
        super().__init__(f"the {end} {reason}")
        self.end = end
        self.reason = reason
        self.name = name


def machine() -> str:
    """Which machine it was, for messages: who reads them may think of another one."""
    return f"the machine that the electron ran on ({platform.node() or 'unnamed'})"


@contextmanager
def explained(end: End, explain: Callable[[Exception], str | None]) -> Iterator[None]:
    """Tell errors of an end by their reason; what `explain` does not know is raised as it is."""
    try:
        yield
    except (EndFailed, TransferFailed):
        raise
    except Exception as exc:
        reason = explain(exc)
        if reason is None:
            raise
        raise EndFailed(end, reason) from exc


def package(module: str, distribution: str, extra: str) -> Any:
    """Import a vendor's package.

    Args:
        module: what to import.
        distribution: what to install for it.
        extra: of covalent-serverless, which brings it to a local server.

    Raises:
        TransferFailed: it is not installed here.

    """
    try:
        return import_module(module)
    except ModuleNotFoundError as exc:
        if not f"{module}.".startswith(f"{exc.name}."):
            raise  # the package is there, and lacks something itself
        raise TransferFailed(
            f"this transfer needs the package {distribution}, which is not installed on {machine()}: "
            f"add deps_pip={distribution!r} to the electron,"
            f" or run pip install 'covalent-serverless[{extra}]' where the server is"
        ) from exc
