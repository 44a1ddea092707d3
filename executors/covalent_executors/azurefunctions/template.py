"""What Step Functions calls for an Azure Functions executor."""

from covalent_executors.azurefunctions.spec import AzureFunctionsSpec
from covalent_executors.bridged import bridged
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate
from covalent_executors.vendor import check_secret


def task(spec: AzureFunctionsSpec, place: Place, python: str) -> TaskTemplate:  # noqa: ARG001  # the job checks its own
    """A job of the bridge's.

    Raises:
        InvalidWorkflow: the deployment cannot read the key, or has no bridge.

    """
    check_secret("azurefunctions", "system_key", spec.system_key, place)
    return bridged("azurefunctions", spec, place)
