"""Circuits and results, as Braket's plugin for PennyLane takes and gives them."""

from typing import Any

from covalent._quantum.missing import pennylane


def for_plugin(qscript: Any) -> Any:
    """The circuit, whose state is that of all wires: with wires named, the plugin would give a density matrix."""
    state = pennylane().measurements.StateMP
    if not any(type(each) is state for each in qscript.measurements):
        return qscript
    return qscript.copy(
        measurements=[state() if type(each) is state else each for each in qscript.measurements]
    )


def plain(result: Any) -> Any:
    """A result without the array that the plugin puts around counts."""
    if isinstance(result, tuple | list):
        return type(result)(map(plain, result))
    is_wrapped = getattr(result, "shape", None) == () and result.dtype.hasobject
    return result.item() if is_wrapped else result
