"""What a user may set of a Dask executor."""

from covalent_executors.spec import Spec


class DaskSpec(Spec):
    """The attributes of `DaskExecutor` that concern the state of its electrons."""

    scheduler_address: str = ""


SPEC = DaskSpec
