"""What Step Functions calls for an AWS Lambda executor."""

from covalent_executors.awslambda.spec import LambdaSpec
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate, lambda_task


def task(spec: LambdaSpec, place: Place, python: str) -> TaskTemplate:
    """The deployment's runner.

    A `function_name` of the user's is not called: that function knows nothing of this protocol.

    Raises:
        UnsupportedPython: there is no runner for this version.

    """
    return lambda_task(place.runner(python), time_limit=spec.limit, retries=spec.retries)
