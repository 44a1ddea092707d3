"""What runs around an electron: the pickled form of its dependencies, in the documented order.

bash commands, pip packages, `before` calls (each may inject a keyword argument), the electron, `after` calls.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """A function to call beside the electron; `keyword` names the parameter that takes its return value."""

    function: Callable[..., Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    keyword: str = ""


@dataclass(frozen=True)
class Hooks:
    """Everything that runs around one electron, in this order."""

    bash: Sequence[str] = ()
    pip: Sequence[str] = ()
    before: Sequence[Call] = ()
    after: Sequence[Call] = ()

    def __bool__(self) -> bool:
        return bool(self.bash or self.pip or self.before or self.after)
