"""Where circuits run: each place makes jobs of a Sampler (V2), and says how circuits must be for it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.exceptions import IBMInputValueError, IBMRuntimeError

from covalent._quantum.ibm import retired, sessions
from covalent._quantum.ibm.account import Account, account_of
from covalent._quantum.ibm.circuits import transpiled
from covalent._quantum.ibm.errors import JobFailed, TooManyJobs
from covalent._quantum.ibm.here import Here, Statevector, fake, local
from covalent._quantum.ibm.jobs import Running, sent
from covalent._quantum.ibm.options import Settings, seconds
from covalent._quantum.ibm.secret import behind, without

PAUSES = (2.0, 5.0, 15.0, *[30.0] * 20)
"""Seconds until a job that came too soon after others is sent again: ten minutes in all."""
_TOO_MANY = "429 Client Error"


class Place(Protocol):
    """Where circuits run."""

    @property
    def name(self) -> str:
        """The back end's name, for messages and records."""

    @property
    def qubits(self) -> int | None:
        """How many qubits it has, or None for as many as memory allows."""

    @property
    def exact(self) -> bool:
        """Whether it can do without shots."""

    def prepared(self, circuits: Sequence[Any]) -> Sequence[Any]:
        """The circuits as the place takes them: transpiled where that is needed."""

    async def submit(self, pubs: Sequence[Any]) -> Running:
        """Start one job of circuits, each with its shots."""


@dataclass(frozen=True)
class Device:
    """A back end of IBM Quantum.

    Args:
        settings: options of the executor.
        backend: of the service.
        account: whose jobs they are.
        max_time: the executor's limit in seconds.
        in_session: jobs run in a session, else each by itself.

    """

    settings: Settings
    backend: Any = field(repr=False)
    account: Account
    max_time: int | None = None
    in_session: bool = True
    exact: bool = False

    @property
    def name(self) -> str:
        """The back end's name."""
        return str(self.backend.name)

    @property
    def qubits(self) -> int | None:
        """How many qubits the back end has."""
        return int(self.backend.num_qubits)

    def prepared(self, circuits: Sequence[Any]) -> Sequence[Any]:
        """The circuits in gates and on neighbours that the device has: the service takes no others any more."""
        return transpiled(circuits, self.backend, self.settings, self.settings.optimization_level)

    async def submit(self, pubs: Sequence[Any]) -> Running:
        """Send one job. The service takes five in a minute from a user: those above are sent again later.

        Raises:
            BackendUnavailable: the device is offline, or its queue is too long.
            JobFailed: the service did not take the job.

        """
        send = partial(self._sent, await asyncio.to_thread(self._sampler), pubs)
        for pause in PAUSES:
            with suppress(TooManyJobs):
                return await sent(send)
            await asyncio.sleep(pause)
        return await sent(send)

    def _sampler(self) -> Any:
        self.account.ready(self.backend, self.settings.max_pending_jobs)
        options = self.settings.for_device(self.max_time, in_session=self.in_session)
        with self.account.errors(f"send a job to {self.name}"):
            return SamplerV2(mode=self._mode(), options=options)

    def _sent(self, sampler: Any, pubs: Sequence[Any]) -> Running:
        with self.account.errors(f"send a job to {self.name}"):
            try:
                return Running(sampler.run(pubs), self.name, self.account)
            except (IBMRuntimeError, IBMInputValueError) as exc:
                kind = TooManyJobs if _TOO_MANY in str(exc) else JobFailed
                text = f"{self.name} did not take the job: {exc}"
                token = self.account.token
                raise kind(without(text, token)) from behind(exc, token)

    def _mode(self) -> Any:
        if not self.in_session:
            return self.backend
        return sessions.session(self.account, self.backend, self.max_time)


def of(executor: Any, settings: Settings, *, in_session: bool) -> Place:
    """Where an executor's circuits run.

    Args:
        executor: with the fields of `QiskitExecutor` or some of them.
        settings: its options.
        in_session: whether jobs on a device are sent in a session.

    """
    only_local = executor.device == "local_sampler"
    if only_local and executor.backend in retired.SIMULATORS:
        return Statevector(settings)
    transpile = getattr(executor, "local_transpile", True)
    here = local(executor.backend, settings, transpile=transpile)
    if here is not None or only_local:
        return here or Statevector(settings)
    if getattr(executor, "channel", "") == "local":
        return Here(settings, fake(executor.backend))
    account = account_of(executor)
    limit = seconds(getattr(executor, "max_time", None))
    return Device(settings, account.backend(executor.backend), account, limit, in_session)
