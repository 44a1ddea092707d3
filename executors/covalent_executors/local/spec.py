"""What a user may set of a local executor."""

from covalent_executors.spec import Spec


class LocalSpec(Spec):
    """The attributes of `LocalExecutor`."""


SPEC = LocalSpec
