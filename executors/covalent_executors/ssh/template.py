"""What Step Functions calls for an SSH executor."""

from covalent_executors.bridged import bridged
from covalent_executors.place import Place
from covalent_executors.ssh.spec import SSHSpec
from covalent_executors.task import TaskTemplate


def task(spec: SSHSpec, place: Place, python: str) -> TaskTemplate:  # noqa: ARG001  # the host's Python is met there
    """The bridge.

    Raises:
        InvalidWorkflow: the deployment has none, or could not read the key.

    """
    spec.check("ssh", place)
    return bridged("ssh", spec, place)
