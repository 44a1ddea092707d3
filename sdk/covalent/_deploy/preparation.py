"""Everything that must be in place before Terraform can work: the zips, the workspace, and names that are free."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from covalent._deploy import sources
from covalent._deploy.account import Account
from covalent._deploy.errors import InvalidSetting, NameTaken
from covalent._deploy.events import Event, Note, Step
from covalent._deploy.settings import Settings
from covalent._deploy.terraform import Terraform
from covalent._deploy.workspace import Workspace

_MADE = "aws_"
"""What types of resources begin with that are in AWS."""

Tell = Callable[[str], None]
Build = Callable[[Path, Settings, Tell], object]


def build_artifacts(folder: Path, settings: Settings, tell: Tell) -> object:
    """Build the zips of a deployment, those that have changed."""
    from covalent._deploy import artifacts  # noqa: PLC0415  # only up and plan need it

    return artifacts.build(folder, settings.pythons, [settings.architecture], tell, settings.extras)


@dataclass(frozen=True)
class Preparation:
    """How a workspace is made ready.

    Args:
        account: where the deployment is.
        workspace: its folder.
        settings: what it is to be.
        build: makes the zips.

    """

    account: Account
    workspace: Workspace
    settings: Settings
    build: Build = build_artifacts

    def renewed(self, terraform: Terraform) -> Iterator[Event]:
        """Bring zips, modules and variables up to date.

        Raises:
            NameTaken: nothing was made yet, and something else has our names.
            DeployError: it cannot be.

        """
        yield from self._built()
        self._write()
        yield from self._initialized(terraform)
        if not terraform.resources():  # what is in the state is ours
            self._check_names()
        for address in terraform.untaint(_MADE):
            yield Note(f"{address} was interrupted and is gone on with")

    def opened(self, terraform: Terraform, *, with_zips: bool) -> Iterator[Event]:
        """Take the workspace as it was left; make it if another machine made the deployment.

        Args:
            terraform: in that workspace.
            with_zips: whether they must be there, as to plan anything.

        Raises:
            DeployError: it cannot be.

        """
        if with_zips and not self.workspace.artifacts.exists():
            yield from self._built()
        # Written and not there: a plan alone has left it.
        if not (self.workspace.is_there and self.workspace.is_written):
            self._write()
        yield from self._initialized(terraform)

    def _built(self) -> Iterator[Event]:
        yield Step("Building what Lambda runs")
        folder = self.workspace.artifacts
        yield from map(Note, _told(lambda tell: self.build(folder, self.settings, tell)))

    def _write(self) -> None:
        self.workspace.write(
            source=sources.terraform(),
            variables=self.settings.terraform_variables(str(self.workspace.artifacts)),
            provider=self.account.provider(),
            backend=self._backend(),
        )

    def _backend(self) -> Mapping[str, Any]:
        """Where Terraform keeps the state."""
        if self.settings.state_object is None:
            return {"local": {}}
        bucket, key = self.settings.state_object
        backend = self.account.backend(bucket, key)
        if backend is None:
            raise InvalidSetting(
                f"there is no bucket {bucket} for the state",
                f"Make one: aws s3 mb s3://{bucket} --region {self.account.region}",
            )
        return backend

    def _initialized(self, terraform: Terraform) -> Iterator[Event]:
        yield Step("Preparing Terraform")
        yield from terraform.init()

    def _check_names(self) -> None:
        prefix = self.settings.prefix
        bucket = self.account.bucket_name(prefix)
        taken = [
            *([f"a bucket {bucket}"] if self.account.has_bucket(bucket) else []),
            *([f"a table {prefix}"] if self.account.has_table(prefix) else []),
        ]
        if taken:
            raise NameTaken(
                f"The prefix {prefix} is taken: there is {' and '.join(taken)}, which was not made from here.",
                "Choose another one with --prefix. If another machine made that deployment, use it from there, or "
                "keep its state where both find it: --state s3://bucket/key.",
            )


def _told(work: Callable[[Tell], object]) -> Iterator[str]:
    """What work, which runs in a thread, tells while it does."""
    queue: SimpleQueue[str | None] = SimpleQueue()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work, queue.put)
        future.add_done_callback(lambda _: queue.put(None))
        while (line := queue.get()) is not None:
            yield line
        future.result()
