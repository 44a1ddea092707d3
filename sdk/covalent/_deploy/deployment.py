"""A deployment: made, changed, looked at and removed. Each is a stream of events for somebody to show.

up      zips -> workspace -> init -> names are free -> plan -> (confirmed) -> apply -> profile
plan    zips -> workspace -> init -> names are free -> plan
drift   workspace as it is -> init -> plan
status  workspace as it is -> init -> state -> health
down    workspace as it is -> init -> nothing runs, no data -> plan of the removal -> (confirmed) -> machines -> data
        -> apply -> machines -> profile

Whatever stops `up` or `down`, the next call goes on: Terraform's state tells what is there.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from covalent._deploy import outputs, removal, status
from covalent._deploy.account import Account
from covalent._deploy.errors import DeployError, InvalidSetting
from covalent._deploy.events import Done, Event, Note, Planned, Step
from covalent._deploy.outputs import Outputs
from covalent._deploy.preparation import Build, Preparation, build_artifacts
from covalent._deploy.removal import Removal
from covalent._deploy.settings import Settings, Wanted
from covalent._deploy.status import Status
from covalent._deploy.terraform import Terraform
from covalent._deploy.workspace import Workspace, known
from covalent._version import __version__
from covalent_contracts.api import Health

_UP_RESUMES = (
    "`covalent deploy up` goes on where this stopped; `covalent deploy down` removes what was made."
)
_DOWN_RESUMES = "`covalent deploy down` goes on where this stopped."


@dataclass(frozen=True)
class Deployment:
    """One deployment in an account.

    Args:
        wanted: what is asked for.
        account: the account and region, and who we are in it.
        build: makes the zips.
        check: asks a control plane how it is.

    """

    wanted: Wanted
    account: Account
    build: Build = build_artifacts
    check: Callable[[str], Health] = outputs.health

    @property
    def workspace(self) -> Workspace:
        """The folder that Terraform works in."""
        return Workspace.of(self.account.id, self.account.region, self.wanted.prefix)

    @property
    def settings(self) -> Settings:
        """What the deployment is or will be.

        Raises:
            InvalidSetting: what is asked for cannot be.

        """
        before = self.workspace.remembered()
        if before and self.wanted.state is not None and self.wanted.state != before["state"]:
            raise InvalidSetting(
                f"the state of this deployment is at {before['state'] or self.workspace.folder}, not at "
                f"{self.wanted.state}",
                "It can be moved by hand: https://developer.hashicorp.com/terraform/language/backend#change-configuration",
            )
        return Settings.decide(self.wanted, before)

    def up(self, confirm: Callable[[Planned], bool] = lambda _: True) -> Iterator[Event]:
        """Make the deployment, change it to what is asked for, or go on with one that is incomplete.

        Args:
            confirm: asked once it is known what would change.

        Returns:
            Events; the last is `Done`, with Terraform's outputs as values, or none if it was not confirmed.

        Raises:
            DeployError: it failed; what was made is recorded.

        """
        settings = self.settings
        outputs.check_profile(settings.name, *self._place)
        with self.workspace.alone():
            terraform = self._terraform()
            planned = yield from _kept(self._planned(terraform))
            if not planned.is_empty and not confirm(planned):
                yield Done("Nothing was changed.")
                return
            self.workspace.remember(**settings.document())
            if not planned.is_empty:
                yield Step("Applying")
                with _advising(_UP_RESUMES):
                    yield from terraform.apply()
            yield self._recorded(settings, terraform.outputs())

    def plan(self) -> Iterator[Event]:
        """Find out what `up` would change.

        Returns:
            Events; the last is `Planned`.

        Raises:
            DeployError: it failed.

        """
        with self.workspace.alone():
            yield from self._planned(self._terraform())

    def drift(self) -> Iterator[Event]:
        """Find out what is other in AWS than it was left.

        Returns:
            Events; the last is `Planned`.

        Raises:
            DeployError: it failed, or there is no deployment.

        """
        self._must_exist()
        with self.workspace.alone():
            terraform = self._terraform()
            yield from self._opened(terraform, with_zips=True)
            yield Step("Comparing with what is there")
            yield from terraform.plan()

    def status(self) -> Status:
        """Look at the deployment.

        Raises:
            DeployError: there is none, or its state cannot be read.

        """
        self._must_exist()
        with self.workspace.alone():
            terraform = self._terraform()
            for _ in self._opened(terraform, with_zips=False):
                pass
            answer = status.ask(terraform.outputs(), self.check, self.account.emulator)
            return Status(
                settings=self.settings,
                folder=self.workspace.folder,
                resources=tuple(terraform.resources()),
                applied=self.workspace.remembered().get("applied"),
                **vars(answer),
            )

    def down(self, how: Removal | None = None) -> Iterator[Event]:
        """Remove the deployment and everything that it made.

        Args:
            how: what may be removed; by default only what holds no data.

        Returns:
            Events; the last is `Done`.

        Raises:
            StillRunning: dispatches run.
            Protected: there are data.
            DeployError: it failed; the next call goes on.

        """
        how = how or Removal()
        self._must_exist()
        with self.workspace.alone():
            terraform = self._terraform()
            yield from self._opened(terraform, with_zips=True)
            yield from self._refused(how)
            yield Step("Finding out what is there")
            planned = yield from _kept(terraform.plan(destroy=True))
            if not how.is_confirmed(planned):
                yield Done("Nothing was removed.")
                return
            yield from self._refused(how)  # somebody may have dispatched while we were asking
            with _advising(_DOWN_RESUMES):
                yield from self._removed(terraform, planned)
            yield from self._forgotten()

    @property
    def _place(self) -> tuple[str, str, str | None]:
        """What tells it from other deployments, as far as the SDK knows it."""
        return self.account.region, self.wanted.prefix, self.account.emulator

    def _terraform(self) -> Terraform:
        return Terraform.find(self.workspace.folder, self.account.environment())

    def _must_exist(self) -> None:
        """See that there is a deployment, as far as this machine can know."""
        if self.workspace.is_there or self.wanted.state:
            return
        there = ", ".join(map(str, known()))
        raise DeployError(
            f"No deployment {self.wanted.prefix} in account {self.account.id}, {self.account.region}, was made "
            "from here.",
            (f"Made from here: {there}. " if there else "")
            + "If it was made from another machine, say where its state is: --state s3://bucket/key.",
        )

    @property
    def _preparation(self) -> Preparation:
        return Preparation(self.account, self.workspace, self.settings, self.build)

    def _planned(self, terraform: Terraform) -> Iterator[Event]:
        yield Step(f"{self.account.principal} in account {self.account.id}, {self.account.region}")
        yield from self._preparation.renewed(terraform)
        yield Step("Comparing with what is there")
        yield from terraform.plan()

    def _opened(self, terraform: Terraform, *, with_zips: bool) -> Iterator[Event]:
        yield from self._preparation.opened(terraform, with_zips=with_zips)

    def _recorded(self, settings: Settings, values: Mapping[str, Any]) -> Done:
        """Have the SDK find what was made."""
        made = Outputs.read(values, self.account.emulator)
        outputs.write_profile(settings.name, made)
        self.workspace.remember(applied=time.time(), version=__version__)
        return Done(f"Covalent {made.version} is deployed; its profile is {settings.name}.", values)

    def _refused(self, how: Removal) -> Iterator[Event]:
        yield Step("Looking for dispatches and data")
        if not how.force:
            removal.refuse_running(self.account, self.wanted.prefix)
        if not how.delete_data:
            removal.refuse_data(self.account, self.settings)

    def _removed(self, terraform: Terraform, planned: Planned) -> Iterator[Event]:
        prefix = self.wanted.prefix
        yield from removal.without_machines(self.account, prefix)
        yield from removal.without_data(self.account, prefix)
        if not planned.is_empty:
            yield Step("Removing")
            yield from terraform.apply()
        yield from removal.without_machines(self.account, prefix)  # those made meanwhile

    def _forgotten(self) -> Iterator[Event]:
        settings = self.settings
        if outputs.remove_profile(settings.name, *self._place):
            yield Note(f"The profile {settings.name} is gone from the configuration.")
        if settings.state:
            yield Note(f"An empty state stays at {settings.state}.")
        self.workspace.remove()
        yield Done("Everything is removed.")


def _kept(events: Iterator[Event]) -> Generator[Event, None, Planned]:
    """Pass events on, and return what is planned."""
    planned = Planned(())
    for event in events:
        if isinstance(event, Planned):
            planned = event
        yield event
    return planned


@contextmanager
def _advising(more: str) -> Iterator[None]:
    """Errors say how to go on."""
    try:
        yield
    except DeployError as exc:
        exc.advise(more)
        raise
