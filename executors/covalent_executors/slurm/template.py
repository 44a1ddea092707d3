"""What Step Functions calls for a Slurm executor."""

from covalent_executors.bridged import bridged
from covalent_executors.place import Place
from covalent_executors.slurm.spec import SlurmSpec
from covalent_executors.task import TaskTemplate


def task(spec: SlurmSpec, place: Place, python: str) -> TaskTemplate:  # noqa: ARG001  # the nodes' Python is met there
    """The bridge.

    Raises:
        InvalidWorkflow: the deployment has none, or could not read the key.

    """
    spec.check("slurm", place)
    return bridged("slurm", spec, place)
