"""What a user may set of the executor `shell`."""

from covalent_executors.spec import Spec


class ShellSpec(Spec):
    """`root`: the folder of the jobs. The others make it fail: `refuse` with that text, `mute` by not answering."""

    root: str
    poll_freq: float = 1
    refuse: str = ""
    busy: int = 0


SPEC = ShellSpec
