"""What is known of an executor of the user's own without unpickling it."""

from covalent_executors.spec import Spec


class OwnSpec(Spec):
    """The attributes that concern the state of its electrons, and the name that its user knows it by."""

    short_name: str = ""


SPEC = OwnSpec
