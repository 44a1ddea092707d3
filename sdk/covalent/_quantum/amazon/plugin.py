"""The plugin of Braket for PennyLane."""

import sys
import threading
import warnings
from typing import Any

from covalent._quantum.missing import needed, pennylane

_warnings = threading.Lock()
"""Filters of warnings are those of the process, not of a thread."""


def load(executor: str) -> None:
    """Import it.

    Args:
        executor: what needs it, as the error says.

    Raises:
        MissingExtra: it is not installed.

    """
    _mend(needed("pennylane", "braket", executor))
    _mend_notebook()
    needed("braket.pennylane_plugin", "braket", executor)


def device(name: str, executor: str, **settings: Any) -> Any:
    """Make a PennyLane device of the plugin.

    Args:
        name: "braket.aws.qubit" or "braket.local.qubit".
        executor: what needs it, as the error says.
        settings: what the device is made with.

    Raises:
        MissingExtra: the plugin is not installed.

    """
    load(executor)
    with _warnings, warnings.catch_warnings():
        # Shots are said at the QNode today; older plugins need them here, to know which observables they can measure.
        warnings.simplefilter("ignore", needed("pennylane.exceptions").PennyLaneDeprecationWarning)
        return pennylane().device(name, **settings)


def _mend(qml: Any) -> None:
    """Put the error back where plugins before 1.33 import it from.

    Newer ones need a release of Braket's SDK that goes with cloudpickle 2 only.
    """
    if not hasattr(qml, "QuantumFunctionError"):
        qml.QuantumFunctionError = needed("pennylane.exceptions").QuantumFunctionError


def _mend_notebook() -> None:
    """Put `get_ipython` where Braket's SDK looks for it: in the module itself, where newer IPythons have it no more."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and "get_ipython" not in vars(ipython):
        vars(ipython)["get_ipython"] = ipython.get_ipython
