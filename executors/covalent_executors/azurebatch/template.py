"""What Step Functions calls for an Azure Batch executor."""

from covalent_contracts.errors import InvalidWorkflow
from covalent_executors.azurebatch.spec import AzureBatchSpec
from covalent_executors.bridged import bridged
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate
from covalent_executors.vendor import check_secret


def task(spec: AzureBatchSpec, place: Place, python: str) -> TaskTemplate:  # noqa: ARG001  # the job checks its own
    """A job of the bridge's.

    Raises:
        InvalidWorkflow: the deployment cannot log in with what was given, or has no bridge.

    """
    given = {
        "tenant_id": spec.tenant_id,
        "client_id": spec.client_id,
        "client_secret": spec.client_secret,
    }
    missing = [name for name, value in given.items() if not value]
    if missing and (len(missing) < len(given) or not place.reads_files):
        raise InvalidWorkflow(
            f"executor 'azurebatch': {', '.join(missing)}: needed to log in to Azure"
        )
    if not missing:
        check_secret("azurebatch", "client_secret", spec.client_secret, place)
    return bridged("azurebatch", spec, place)
