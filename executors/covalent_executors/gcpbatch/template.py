"""What Step Functions calls for a Google Batch executor."""

from covalent_executors.bridged import bridged
from covalent_executors.gcpbatch.spec import GCPBatchSpec
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate
from covalent_executors.vendor import check_secret


def task(spec: GCPBatchSpec, place: Place, python: str) -> TaskTemplate:  # noqa: ARG001  # the job checks its own
    """A job of the bridge's.

    Raises:
        InvalidWorkflow: the deployment cannot log in with what was given, or has no bridge.

    """
    check_secret("gcpbatch", "credentials", spec.credentials, place)
    return bridged("gcpbatch", spec, place)
