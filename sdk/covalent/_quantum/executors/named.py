"""Quantum executors by the name of their class, as their JSON has it."""

from collections.abc import Iterator, Mapping
from typing import Any

from covalent import executor as public
from covalent._quantum.executors.base import BaseQExecutor


def made(settings: Mapping[str, Any]) -> BaseQExecutor:
    """The executor of some settings.

    Args:
        settings: its fields, and the `name` of its class: one of Covalent's, or one that is defined in this process.

    Raises:
        ValueError: there is no such class here, or the settings are not for it.

    """
    name = settings.get("name")
    base: Any = BaseQExecutor  # abstract, which mypy does not let pass as a type
    found = {each.__name__: each for each in _every(base)}.get(str(name))
    if found is None and name in public.__all__:
        found = getattr(public, str(name))
    if found is None or not issubclass(found, BaseQExecutor):
        raise ValueError(
            f"no quantum executor is called {name!r}: import the module that defines its class"
        )
    return found.model_validate(settings)


def _every(kind: type[BaseQExecutor]) -> Iterator[type[BaseQExecutor]]:
    """All classes derived from one. Of those with one name the last is the user's own, or a notebook's newest."""
    for each in kind.__subclasses__():
        yield each
        yield from _every(each)
