"""What Step Functions calls for a Google Functions executor."""

from covalent_executors.bridged import bridged
from covalent_executors.gcpfunctions.spec import GCPFunctionsSpec
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate
from covalent_executors.vendor import check_secret


def task(spec: GCPFunctionsSpec, place: Place, python: str) -> TaskTemplate:  # noqa: ARG001  # the job checks its own
    """A job of the bridge's.

    Raises:
        InvalidWorkflow: the deployment cannot log in with what was given, or has no bridge.

    """
    check_secret("gcpfunctions", "credentials", spec.credentials, place)
    return bridged("gcpfunctions", spec, place)
