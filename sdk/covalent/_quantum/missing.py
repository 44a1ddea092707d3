"""Packages of the quantum extras, and what to say where one is not installed."""

from importlib import import_module
from types import ModuleType
from typing import Any

from covalent._shared_files.exceptions import MissingExtra


def needed(module: str, extra: str = "quantum", why: str = "a quantum electron") -> Any:
    """Import a module that comes with an extra.

    Args:
        module: its dotted name.
        extra: the extra of covalent-serverless that brings it.
        why: what needs it, as the error says.

    Returns:
        The module.

    Raises:
        MissingExtra: it is not installed; the message says how to install it.

    """
    try:
        return import_module(module)
    except ModuleNotFoundError as exc:
        if not _is_of(exc.name, module):
            raise  # something that it needs itself: the user has to see which
        raise MissingExtra(
            f"{why} needs {module.partition('.')[0]}: pip install 'covalent-serverless[{extra}]'"
        ) from exc


def pennylane() -> ModuleType:
    """PennyLane.

    Raises:
        MissingExtra: it is not installed.

    """
    found: ModuleType = needed("pennylane")
    return found


def _is_of(absent: str | None, module: str) -> bool:
    return absent is not None and f"{module}.".startswith(f"{absent}.")
