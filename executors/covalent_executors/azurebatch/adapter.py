"""Azure Batch, with Microsoft's own client.

All electrons of one pool are tasks of one Batch job, which stays: accounts have room for few active jobs, and for any
number of tasks.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from covalent_executors import launch
from covalent_executors.adapter import Busy, Handle, Job, Refused, Secrets, Sighting, State
from covalent_executors.azurebatch import states
from covalent_executors.azurebatch.errors import code_of, explained
from covalent_executors.azurebatch.spec import AzureBatchSpec
from covalent_executors.vendor import vendor

_LONGEST = 64
"""Letters of an id."""
_KEPT = timedelta(days=1)
"""How long a node keeps a task's files, if nobody removes the task."""
_SHOWN, _PIECES = 16 * 1024, 16
"""Characters of each log, and the pieces they may come in."""
_OVER = ("TaskCompleted", "TaskNotFound", "JobNotFound", "JobCompleted", "JobBeingDeleted")
_ENDING = ("JobBeingDeleted", "JobBeingTerminated", "PoolBeingDeleted")
_ACCOUNTS = 32
_PATIENCE = {"retry_total": 1, "connection_timeout": 10, "read_timeout": 30}
"""The bridge tries again itself, and has little time for one call."""


def adapter(spec: AzureBatchSpec, secrets: Secrets) -> "AzureBatch":
    """The account of one user.

    Raises:
        Refused: a package is missing, or the secret cannot be read.

    """
    secret = secrets(spec.client_secret).strip() if spec.client_secret else ""
    scope = f"https://{spec.batch_account_domain}//.default"
    login = (spec.tenant_id, spec.client_id, secret)
    return AzureBatch(spec, client_of(spec.batch_account_url.rstrip("/"), scope, login))


@lru_cache(_ACCOUNTS)
def client_of(endpoint: str, scope: str, login: tuple[str, str, str]) -> Any:
    """The client of an account, which is logged in for an hour: the bridge looks again and again.

    Args:
        endpoint: the account's address.
        scope: what the token is for.
        login: tenant, client and secret; without a secret, whoever the machine is logged in as.

    """
    batch = vendor("azure.batch", "azurebatch")
    identity = vendor("azure.identity", "azurebatch")
    if login[-1]:
        credential = identity.ClientSecretCredential(*login, **_PATIENCE)
    else:
        credential = identity.DefaultAzureCredential()
    return batch.BatchClient(
        endpoint=endpoint, credential=credential, credential_scopes=[scope], **_PATIENCE
    )


@dataclass(frozen=True)
class AzureBatch:
    """A pool of an account; `client` is an `azure.batch.BatchClient`."""

    spec: AzureBatchSpec
    client: Any

    def submit(self, job: Job) -> Handle:
        """See `Adapter`."""
        pool = self._pool()
        home = _job_id(self.spec.pool_id)
        with explained(self.spec):
            try:
                self._add(home, _task(job, self._image(pool)))
            except self._exceptions().ResourceNotFoundError:
                self._open(home)
                self._add(home, _task(job, self._image(pool)))
        return {"job": home, "task": job.name}

    def look(self, handle: Handle) -> Sighting:
        """See `Adapter`."""
        with explained(self.spec):
            try:
                task = self.client.get_task(handle["job"], handle["task"])
            except self._exceptions().ResourceNotFoundError:
                return Sighting(
                    State.ENDED, "Azure Batch does not know the task any more: somebody deleted it"
                )
        seen = states.sighting(task)
        return self._waits(task) if seen.state is State.PENDING else seen

    def cancel(self, handle: Handle) -> None:
        """See `Adapter`."""
        with explained(self.spec), self._unless(*_OVER):
            self.client.terminate_task(handle["job"], handle["task"])

    def logs(self, handle: Handle) -> str:
        """See `Adapter`."""
        return "\n".join(
            filter(None, (self._log(handle, name) for name in ("stdout.txt", "stderr.txt")))
        )

    def clean(self, handle: Handle) -> None:
        """See `Adapter`."""
        with explained(self.spec), self._unless(*_OVER):
            self.client.delete_task(handle["job"], handle["task"])

    def _waits(self, task: Any) -> Sighting:
        try:
            return Sighting(State.PENDING, states.waits_for(task, self._pool()))
        except Refused as exc:  # somebody has deleted the pool, and may create it again
            return Sighting(State.PENDING, str(exc))

    def _pool(self) -> Any:
        name = self.spec.pool_id
        with explained(self.spec):
            try:
                return self.client.get_pool(name)
            except self._exceptions().ResourceNotFoundError as exc:
                raise Refused(
                    f"there is no pool {name!r} in {self.spec.batch_account_url}: create it, or correct pool_id"
                ) from exc

    def _image(self, pool: Any) -> str:
        """The image for the task: needed in a pool that runs containers, impossible in another."""
        machine = pool.virtual_machine_configuration
        containers = machine.container_configuration if machine else None
        if containers is None:
            if self.spec.container_image_uri:
                raise Refused(
                    f"pool {pool.id!r} runs no containers: leave container_image_uri out, or use a pool "
                    "with a container configuration"
                )
            return ""
        image = self.spec.container_image_uri or next(
            iter(containers.container_image_names or ()), ""
        )
        if not image:
            raise Refused(
                f"pool {pool.id!r} runs containers: set container_image_uri to an image with Python"
            )
        return str(image)

    def _add(self, home: str, task: Any) -> None:
        try:
            self.client.create_task(home, task)
        except self._exceptions().ResourceExistsError as exc:
            code = code_of(exc)
            if code in _ENDING:
                raise Busy(f"job {home!r} is being ended") from exc
            if code != "TaskExists":
                raise Refused(
                    f"job {home!r}, which electrons are tasks of, takes none ({code}): "
                    "somebody has ended or disabled it; delete or enable it"
                ) from exc

    def _open(self, home: str) -> None:
        models = vendor("azure.batch.models", "azurebatch")
        with self._unless("JobExists"):
            self.client.create_job(
                models.BatchJobCreateOptions(
                    id=home, pool_info=models.BatchPoolInfo(pool_id=self.spec.pool_id)
                )
            )

    def _log(self, handle: Handle, name: str) -> str:
        kind = self._exceptions().HttpResponseError
        with explained(self.spec), suppress(kind):  # its node is gone, or it has not begun
            end = deque(
                self.client.download_task_file(handle["job"], handle["task"], name), _PIECES
            )
            return b"".join(end).decode(errors="replace")[-_SHOWN:]
        return ""

    def _unless(self, *codes: str) -> "_Unless":
        return _Unless(codes, self._exceptions().HttpResponseError)

    def _exceptions(self) -> Any:
        return vendor("azure.core.exceptions", "azurebatch")


@dataclass(frozen=True)
class _Unless:
    """Lets errors pass that mean: it is so already."""

    codes: tuple[str, ...]
    kind: type[Exception]

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, exc: BaseException | None, __: object) -> bool:
        return isinstance(exc, self.kind) and code_of(exc) in self.codes


def _task(job: Job, image: str) -> Any:
    models = vendor("azure.batch.models", "azurebatch")
    variables = launch.environment(job)
    limit = timedelta(seconds=job.time_limit) if job.time_limit > 0 else None
    return models.BatchTaskCreateOptions(
        id=job.name,
        command_line=launch.command(),
        container_settings=models.BatchTaskContainerSettings(image_name=image) if image else None,
        environment_settings=[
            models.EnvironmentSetting(name=name, value=value) for name, value in variables.items()
        ],
        constraints=models.BatchTaskConstraints(
            max_wall_clock_time=limit, max_task_retry_count=0, retention_time=_KEPT
        ),
    )


def _job_id(pool: str) -> str:
    name = f"covalent-{pool}"
    return name if len(name) <= _LONGEST else f"covalent-{sha256(pool.encode()).hexdigest()[:40]}"
