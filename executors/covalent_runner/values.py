"""From bytes to Python values: constants, recorded outputs, and light nodes computed from them."""

import operator
from collections.abc import Iterable, Sequence
from typing import Any

from covalent_contracts import pickling
from covalent_contracts.sheet import Light
from covalent_runner.inputs import Inputs

_OPERATORS = frozenset(operator.__all__)


class LightFailed(Exception):
    """Computing a light node raised; the cause is chained."""

    def __init__(self, light: Light) -> None:
        super().__init__(f"node {light.id} ({light.kind} {light.op}) could not be computed")
        self.light = light


class Values:
    """The values of nodes as one electron sees them; each is made once, when it is first asked for."""

    def __init__(self, inputs: Inputs, lights: Iterable[Light]) -> None:
        self._inputs = inputs
        self._lights = {light.id: light for light in lights}
        self._known: dict[int, Any] = {}
        self._failed: dict[int, LightFailed] = {}

    def put(self, node: int, value: Any) -> None:
        """Tell the value of a node."""
        self._known[node] = value

    def get(self, node: int) -> Any:
        """The value of a node.

        Raises:
            LightFailed: it, or a light node that it is made of, could not be computed.
            Exception: whatever unpickling raises.

        """
        # A stack of our own: a sum in a loop makes chains of operators longer than Python recurses.
        stack = [node]
        while stack:
            top = stack[-1]
            if top in self._failed:
                raise self._failed[top]
            missing = [each for each in self._operands(top) if each not in self._known]
            if top in self._known or not missing:
                self._make(stack.pop())
            else:
                stack += missing
        return self._known[node]

    def _operands(self, node: int) -> Sequence[int]:
        light = self._lights.get(node)
        return () if light is None or node in self._inputs.outputs else light.inputs

    def _make(self, node: int) -> None:
        if node in self._known:
            return
        if node in self._inputs.outputs:
            self._known[node] = pickling.loads(self._inputs.outputs[node])
        elif node not in self._lights:
            raise LookupError(f"nothing is known of node {node}: its sheet leaves it out")
        else:
            self._known[node] = self._light(self._lights[node])

    def _light(self, light: Light) -> Any:
        if light.value is not None:
            return pickling.loads(self._inputs.assets[light.value.digest], self.get)
        try:
            return compute(light, [self._known[operand] for operand in light.inputs])
        except Exception as exc:
            failure = LightFailed(light)
            self._failed[light.id] = failure
            raise failure from exc


def compute(light: Light, operands: Sequence[Any]) -> Any:
    """The value of an item, attribute or operator node."""
    match light.kind:
        case "item":
            container, key = operands
            return container[key]
        case "attribute":
            return getattr(operands[0], light.op)
        case "operator" if light.op in _OPERATORS:
            return getattr(operator, light.op)(*operands)
        case "operator" if light.op[:1] == "r" and light.op[1:] in _OPERATORS:
            return getattr(operator, light.op[1:])(*reversed(operands))
    raise ValueError(f"the runner cannot compute {light.kind} {light.op!r}")
