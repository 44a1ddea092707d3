"""What Step Functions calls for the executor `shell`."""

from covalent_executors.bridged import bridged
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate
from covalent_shell.spec import ShellSpec


def task(spec: ShellSpec, place: Place, python: str) -> TaskTemplate:  # a template's signature
    """The bridge."""
    return bridged("shell", spec, place)
