"""What a deployment offers to executors and to the compiler."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from covalent_contracts.errors import UnsupportedPython


@dataclass(frozen=True)
class Place:
    """One deployment.

    runners: the Lambda function that runs electrons, by Python minor version ("3.11").
    prefix: what the names of its state machines start with.
    runner_seconds: how long its runners may take for one electron; None (offline): as long as they like.
    machines: what the ARNs of its state machines start with; their names follow.
    builders: the function that builds sublattices, by Python minor version, where that is another one than the runner:
        it needs the SDK, which a runner is faster without.
    adopter: the function of the control plane that makes dispatches of sublattices.
    bridge: the function that submits jobs where Step Functions cannot, and looks after them; "" for none.
    reads_files: whether the bridge runs on the user's machine (offline), and may read keys and passwords from its
        files; elsewhere they must be secrets of AWS Secrets Manager.
    """

    runners: Mapping[str, str]
    prefix: str = "covalent-"
    runner_seconds: int | None = None
    machines: str = "arn:aws:states:us-east-1:123456789012:stateMachine:"
    builders: Mapping[str, str] = field(default_factory=dict)
    adopter: str = "covalent-adopt"
    bridge: str = ""
    reads_files: bool = False

    @property
    def to_build(self) -> "Place":
        """The same deployment for building sublattices: with its builders for runners."""
        return replace(self, runners=self.builders) if self.builders else self

    def runner(self, python: str) -> str:
        """The function that runs electrons pickled by Python `python` ("3.11" or "3.11.7").

        Raises:
            UnsupportedPython: there is none; the message names those there are.

        """
        minor = ".".join(python.split(".")[:2])
        try:
            return self.runners[minor]
        except KeyError:
            known = ", ".join(sorted(self.runners, key=_numbers)) or "none"
            raise UnsupportedPython(
                f"no runner for Python {minor} here (there are: {known}): dispatch from one of these, "
                f"or deploy a runner for {minor}"
            ) from None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
