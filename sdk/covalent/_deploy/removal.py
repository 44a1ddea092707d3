"""What stands against removing a deployment, and how what Terraform does not know is removed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from covalent._deploy.account import Account
from covalent._deploy.errors import Protected, StillRunning
from covalent._deploy.events import Event, Note, Planned, Step
from covalent._deploy.settings import Settings

_NAMED = 5
"""Running dispatches that a refusal names."""


@dataclass(frozen=True)
class Removal:
    """How a deployment is to be removed.

    Args:
        confirm: asked once it is known what would be destroyed.
        confirm_data: asked after that if data are to be deleted.
        force: although dispatches run.
        delete_data: although the deployment is protected.

    """

    confirm: Callable[[Planned], bool] = lambda _: True
    confirm_data: Callable[[], bool] = lambda: True
    force: bool = False
    delete_data: bool = False

    def is_confirmed(self, planned: Planned) -> bool:
        """Ask all that is to be asked."""
        return self.confirm(planned) and (not self.delete_data or self.confirm_data())


def refuse_running(account: Account, prefix: str) -> None:
    """See that no dispatch runs.

    Raises:
        StillRunning: some do.

    """
    running = account.running(account.machines(prefix), _NAMED + 1)
    if running:
        names = ", ".join(running[:_NAMED]) + (", ..." if len(running) > _NAMED else "")
        raise StillRunning(
            f"Dispatches are running: {names}.",
            "Wait until they end, or end them and remove everything with --force.",
        )


def refuse_data(account: Account, settings: Settings) -> None:
    """See that a protected deployment holds no data.

    Raises:
        Protected: it does.

    """
    bucket = account.bucket_name(settings.prefix)
    if settings.is_protected and account.has_data(bucket):
        raise Protected(
            f"The bucket {bucket} holds what dispatches were given and what they returned, and the deployment is "
            "protected.",
            "`covalent deploy down --delete-data` deletes that too, for good. Copy first what you want to keep: "
            f"aws s3 sync s3://{bucket} FOLDER",
        )


def without_machines(account: Account, prefix: str) -> Iterator[Event]:
    """Delete the rules of triggers and the state machines, which Terraform has not made. Executions end."""
    rules = account.delete_rules(prefix)
    if rules:
        yield Note(f"Deleted {rules} rules of triggers")
    machines = account.machines(prefix)
    if machines:
        yield Step(f"Deleting {len(machines)} state machines of dispatches")
    for machine in machines:
        account.delete_machine(machine)


def without_data(account: Account, prefix: str) -> Iterator[Event]:
    """Delete all objects, and have the table deletable."""
    for total in account.empty(account.bucket_name(prefix)):
        yield Note(f"{total:,} deleted")
    account.unprotect(prefix)
