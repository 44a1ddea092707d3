"""Run a script and then type lines, as in an interactive session; tell each value that is shown, and what it estimates.

usage: python session.py < {"script": ..., "typed": [...]}

It prints two lists of one length, as JSON: `shown` has the package and the numbers of each value. `meant` has the
numbers that PennyLane's own simulator computes for that call without shots, and the shots and the back end of the
executor whose turn it was.
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
    noted = namespace["circuit"] = Noted(namespace["circuit"])
    for line in session["typed"]:
        exec(compile(ast.Interactive(ast.parse(line).body), "<typed>", "single"), namespace)  # noqa: S102
    sys.stdout.write(json.dumps({"shown": shown, "meant": noted.meant()}) + "\n")
    return 0


class Noted:
    """A quantum electron that remembers what it was called with.

    Args:
        circuit: the quantum electron; the executors of its cluster take turns.

    """

    def __init__(self, circuit: Any) -> None:
        self._circuit = circuit
        self._calls: list[tuple[Any, ...]] = []

    def __call__(self, *args: Any) -> Any:
        """Call it."""
        self._calls.append(args)
        return self._circuit(*args)

    def run_later(self, *args: Any) -> Any:
        """Begin to call it."""
        self._calls.append(args)
        return self._circuit.run_later(*args)

    def meant(self) -> list[dict[str, Any]]:
        """What each of the calls estimates."""
        import pennylane as qml  # noqa: PLC0415  # what a script loads comes first

        original = self._circuit.original_device
        exact = qml.QNode(self._circuit.func, qml.device("default.qubit", wires=original.wires))
        executors = self._circuit.cluster.executors
        return [
            {"numbers": numbers, **_settings(executors[turn % len(executors)], original)}
            for turn, args in enumerate(self._calls)
            for _, numbers in _parts(exact(*args))
        ]


def _settings(executor: Any, device: Any) -> dict[str, Any]:
    own = executor.shots in (0, (None,))  # the two ways to leave them to the QNode
    shots = device.shots.total_shots if own else executor.shots
    return {"shots": shots, "backend": getattr(executor, "backend", "")}


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
