"""Definitions of state machines, parsed once.

Defect of LocalStack: CreateStateMachine parses a definition once for each of its checks, and every execution parses it
again, in seconds for a hundred states. What it makes of one is not changed by running it, so it can be shared.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from localstack.runtime import hooks

KEPT = 32
"""Parsed definitions that are remembered."""


class Remembered:
    """A parser that remembers its latest answers; two threads never parse the same at once."""

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self._parse = parse
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Any] = OrderedDict()

    def __call__(self, definition: str) -> Any:
        """What the parser makes of a definition; what it raises is raised, and not remembered."""
        with self._lock:
            if definition not in self._known:
                self._known[definition] = self._parse(definition)
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
            self._known.move_to_end(definition)
            return self._known[definition]


@hooks.on_infra_start()
def repair_step_functions() -> None:
    """Put the memory in front of the parser."""
    from localstack.services.stepfunctions.asl.parse.asl_parser import (  # noqa: PLC0415  # takes a second
        AmazonStateLanguageParser,
    )

    AmazonStateLanguageParser.parse = staticmethod(Remembered(AmazonStateLanguageParser.parse))
