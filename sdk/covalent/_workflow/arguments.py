"""Arguments of a call against the signature of the function, before anything is dispatched."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from covalent._shared_files.exceptions import InvalidArguments

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Parameters:
    """What a function takes."""

    positional: tuple[str, ...]
    keywords: frozenset[str]
    required: frozenset[str]
    any_positional: bool
    any_keyword: bool

    def check(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], injected: Collection[str] = ()
    ) -> None:
        """Refuse what the function would refuse.

        Args:
            args: positional arguments.
            kwargs: keyword arguments.
            injected: parameters that somebody else fills in when the function is called.

        Raises:
            InvalidArguments: too many, unknown, doubled or missing arguments.

        """
        if len(args) > len(self.positional) and not self.any_positional:
            raise InvalidArguments(
                f"Too many positional arguments given, expected {len(self.positional)}, received {len(args)}"
            )
        if kwargs:
            self._check_keywords(args, kwargs)
        given = self.positional[: len(args)]
        missing = self.required.difference(given, kwargs, injected) if self.required else ()
        if missing:
            ordered = [name for name in self.positional if name in missing]
            ordered += sorted(missing.difference(ordered))
            raise InvalidArguments(f"Missing arguments: {', '.join(ordered)}")

    def _check_keywords(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        unknown = [name for name in kwargs if name not in self.keywords]
        if unknown and not self.any_keyword:
            raise InvalidArguments(f"Unexpected keyword arguments: {', '.join(unknown)}")
        given = self.positional[: len(args)]
        doubled = [name for name in given if name in kwargs and name in self.keywords]
        if doubled:
            raise InvalidArguments(f"Multiple values for arguments: {', '.join(doubled)}")

    def name_at(self, index: int) -> str:
        """The name of the parameter that takes the positional argument at `index`."""
        return self.positional[index] if index < len(self.positional) else f"arg[{index}]"


_UNKNOWN = Parameters((), frozenset(), frozenset(), any_positional=True, any_keyword=True)


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """Read a signature; a function that has none (some built-in ones) takes everything."""
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return _UNKNOWN
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [each for each in found if each.kind not in variable]
    kinds = {each.kind for each in found}
    return Parameters(
        positional=tuple(each.name for each in named if each.kind in _POSITIONAL),
        keywords=frozenset(
            each.name for each in named if each.kind is not inspect.Parameter.POSITIONAL_ONLY
        ),
        required=frozenset(each.name for each in named if each.default is each.empty),
        any_positional=inspect.Parameter.VAR_POSITIONAL in kinds,
        any_keyword=inspect.Parameter.VAR_KEYWORD in kinds,
    )
