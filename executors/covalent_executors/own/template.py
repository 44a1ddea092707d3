"""What Step Functions calls for an executor of the user's own."""

from covalent_executors.place import Place
from covalent_executors.spec import Spec
from covalent_executors.task import TaskTemplate, lambda_task

MARGIN = 10
"""Seconds for which the state waits longer: the runner, which knows how to end the job, keeps the time itself."""


def task(spec: Spec, place: Place, python: str) -> TaskTemplate:
    """The runner that has the SDK, which the executor's class builds on.

    Raises:
        UnsupportedPython: there is none for this version.

    """
    return lambda_task(
        place.to_build.runner(python),
        time_limit=spec.limit,
        retries=spec.retries,
        margin=MARGIN,
    )
