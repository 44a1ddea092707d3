"""The packages of vendors, loaded when the bridge first needs them; and secrets for them."""

from importlib import import_module
from typing import Any

from covalent_contracts.errors import InvalidWorkflow
from covalent_executors.adapter import Refused
from covalent_executors.place import Place

_ARN = "arn:"


def vendor(module: str, extra: str) -> Any:
    """A module of a vendor's package.

    Args:
        module: its full name.
        extra: that of ours which brings it; the executor's name.

    Raises:
        Refused: it is not installed.

    """
    try:
        return import_module(module)
    except ModuleNotFoundError as exc:
        raise Refused(
            f"executor {extra!r} needs the package that has {module!r}: where the bridge runs, "
            f"pip install 'covalent-serverless[{extra}]'"
        ) from exc


def check_secret(executor: str, parameter: str, value: str, place: Place) -> None:
    """See that a deployment can read a secret.

    Raises:
        InvalidWorkflow: it is in a file (or nowhere), and the bridge does not run on the user's machine.

    """
    if place.reads_files or value.startswith(_ARN):
        return
    raise InvalidWorkflow(
        f"executor {executor!r}: {parameter}: this deployment cannot read files of yours (got {value!r}): store the "
        f"secret with `covalent secret put` and give its ARN as {parameter}"
    )
