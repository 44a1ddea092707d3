"""What may go wrong with a deployment, by what the user should do. Each message ends with the cure.

DeployError                 something else; the message has what Terraform or AWS said
├── MissingProgram          install what is named
├── NoCredentials           log in to AWS
├── AccessDenied            have somebody grant the action (.action, .resource, .principal)
├── QuotaReached            ask AWS for more, or clean up
├── NameTaken               choose another prefix
├── StateLocked             wait for the other one
├── Unreachable             repair the network, or name a mirror
├── Protected               say that the data may go
├── StillRunning            wait for the dispatches
├── InvalidSetting          call it differently
└── Interrupted             call it again: it resumes
"""

from covalent_contracts.errors import CovalentError


class DeployError(CovalentError):
    """A deployment cannot be made, changed, read or removed.

    Args:
        what: what is wrong.
        cure: what to do about it.

    """

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what, cure)
        self.what = what
        self.cure = cure

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.cure) if part)

    def advise(self, more: str) -> None:
        """Say what else to do."""
        self.cure = f"{self.cure}\n{more}" if self.cure else more


class MissingProgram(DeployError):
    """A program or a Python package is missing or too old."""


class NoCredentials(DeployError):
    """There are no credentials for AWS, or they are not valid any more."""


class AccessDenied(DeployError):
    """The caller may not do something. Fields are empty where AWS does not tell."""

    action = ""
    resource = ""
    principal = ""


class QuotaReached(DeployError):
    """The account has as many of something as AWS allows it."""


class NameTaken(DeployError):
    """Something that this deployment did not make has the name that it needs."""


class StateLocked(DeployError):
    """Somebody else changes the same deployment."""


class Unreachable(DeployError):
    """AWS, or the registry of Terraform's providers, does not answer."""


class Protected(DeployError):
    """The deployment holds data and was told to keep it."""


class StillRunning(DeployError):
    """Dispatches run."""


class InvalidSetting(DeployError):
    """An option does not mean anything here."""


class Interrupted(DeployError):
    """It was stopped before it was done; what was made is recorded."""
