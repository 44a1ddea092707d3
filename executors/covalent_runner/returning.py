"""What the lattice of a sublattice returns, put together from what its electrons gave."""

import pickletools
from dataclasses import dataclass, field

from covalent_contracts import context, pickling, transport
from covalent_contracts.sheet import Sheet
from covalent_runner import failures
from covalent_runner.execute import Computed, Execution, cause_of, compute_lights, hooks_of
from covalent_runner.inputs import Inputs, lights_of
from covalent_runner.packages import installed
from covalent_runner.streams import captured
from covalent_runner.values import Values
from covalent_runner.workdir import isolated

_A_REFERENCE = ("BINPERSID", "STOP")


@dataclass(frozen=True)
class Side:
    """A sheet and the bytes that it names."""

    sheet: Sheet
    inputs: Inputs


@dataclass
class _Return:
    node: Side
    returned: Side
    data: bytes = b""
    after: list[Computed] = field(default_factory=list)

    def put_together(self) -> None:
        """A value that is just that of one electron passes through as it is: no class of it need be here."""
        alone = _alone(self.returned)
        lights = [light for light in self.node.sheet.after if light.is_recorded]
        if alone is not None:
            self.data = self.returned.inputs.outputs[alone]
        if alone is not None and not lights:
            return
        with installed(hooks_of(self.node.sheet, self.node.inputs).pip):
            values = Values(self.returned.inputs, lights_of(self.returned.sheet))
            value = values.get(self.returned.sheet.id)
            self.data = self.data or pickling.dumps(value)
            outside = Values(self.node.inputs, lights_of(self.node.sheet))
            outside.put(self.node.sheet.id, value)
            self.after += compute_lights(outside, lights)


def put_together(dispatch_id: str, node: Side, returned: Side) -> Execution:
    """The output of a sublattice node.

    Args:
        dispatch_id: The dispatch of the node.
        node: The node; of its inputs, those of the light nodes after it.
        returned: The last sheet of the sublattice's own dispatch.

    """
    made = _Return(node, returned)
    here = context.Context(dispatch_id, node.sheet.id)
    with captured() as streams, isolated(dispatch_id), context.entered(here):
        try:
            made.put_together()
        except BaseException as exc:  # noqa: BLE001  # whatever the values' own classes raise
            exc = cause_of(exc)
            error = failures.describe(exc)
            return Execution(streams, error=error, reason=type(exc).__qualname__)
    return Execution(streams, made.data, after=made.after)


def _alone(side: Side) -> int | None:
    """The node whose value is all that is returned, if it is."""
    light = side.sheet.light
    if light is None or light.value is None:
        return None
    _, body = transport.split(side.inputs.assets[light.value.digest])
    found = list(pickletools.genops(body))
    names = tuple(opcode.name for opcode, _, _ in found if opcode.name not in ("PROTO", "FRAME"))
    if len(names) != 3 or names[1:] != _A_REFERENCE:
        return None
    return next(int(value) for _, value, _ in reversed(found) if value is not None)
