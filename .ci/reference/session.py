"""Run a script and then type lines, as in an interactive session; tell each value that is shown by package and numbers.

usage: python session.py < {"script": ..., "typed": [...]}
"""

import ast
import json
import sys
from typing import Any

Shown = list[tuple[str, list[float]]]


def main() -> int:
    """Print what was shown, as JSON in one line."""
    session = json.load(sys.stdin)
    shown: Shown = []

    def show(value: Any) -> None:
        shown.extend(_parts(value))

    namespace: dict[str, Any] = {"__name__": "__main__", "print": show}
    sys.displayhook = show
    exec(compile(session["script"], "<script>", "exec"), namespace)  # noqa: S102  # a script of the reference
    for line in session["typed"]:
        exec(compile(ast.Interactive(ast.parse(line).body), "<typed>", "single"), namespace)  # noqa: S102
    sys.stdout.write(json.dumps(shown) + "\n")
    return 0


def _parts(value: Any) -> Shown:
    """The values in what is shown: arrays and tensors, by the package that they come from."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [each for part in value for each in _parts(part)]
    package = type(value).__module__.partition(".")[0].removesuffix("lib")
    return [(package, _numbers(value))]


def _numbers(value: Any) -> list[float]:
    import numpy  # noqa: PLC0415  # what a script loads comes first

    return [float(each) for each in numpy.asarray(value).ravel()]


if __name__ == "__main__":
    sys.exit(main())
