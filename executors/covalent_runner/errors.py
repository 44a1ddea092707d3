"""What a state of the machine may fail with. Step Functions matches on the class names."""


class ElectronFailed(Exception):
    """The electron's try failed; the state may be retried as often as its executor says."""


class UpstreamFailed(Exception):
    """Something that the electron needs will never come; it stays unstarted."""


class HookFailed(Exception):
    """A bash command or a package installation beside the electron failed."""


class LeptonFailed(Exception):
    """What a lepton runs is not there, does not fit, or ended in another way than by returning."""


class ExecutorFailed(Exception):
    """The object that is to run the electron cannot be made here."""


class TimeLimitPassed(Exception):
    """An executor took longer for the electron than it may."""
