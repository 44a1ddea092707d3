"""What Step Functions calls for a Dask executor."""

from covalent_executors.dask.spec import DaskSpec
from covalent_executors.local import template as local
from covalent_executors.local.spec import LocalSpec
from covalent_executors.own import template as own
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate


def task(spec: DaskSpec, place: Place, python: str) -> TaskTemplate:
    """The runner that has the SDK, and with it the client of the cluster.

    Existing scripts name Dask, the default of Covalent's own server, without a cluster of theirs. What it promises
    them, parallel runs on the machine of the server, is what a local executor does.

    Raises:
        UnsupportedPython: there is none for this version.

    """
    if spec.scheduler_address:
        return own.task(spec, place, python)
    return local.task(LocalSpec.model_validate(spec.model_dump()), place, python)
