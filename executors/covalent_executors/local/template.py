"""What Step Functions calls for a local executor."""

from covalent_executors.local.spec import LocalSpec
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate, lambda_task


def task(spec: LocalSpec, place: Place, python: str) -> TaskTemplate:
    """The runner of the stack.

    Raises:
        UnsupportedPython: there is none for this version.

    """
    return lambda_task(place.runner(python), time_limit=spec.limit, retries=spec.retries)
