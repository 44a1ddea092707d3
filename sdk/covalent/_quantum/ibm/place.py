"""Where circuits run: each place makes jobs of a Sampler (V2), and says how circuits must be for it.

A place's `submit` returns at once or after a request; `Running.result` waits, and cancels the job if it is cancelled
itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from covalent._quantum.ibm import retired, sessions
from covalent._quantum.ibm.account import Account, account_of
from covalent._quantum.ibm.errors import JobFailed
from covalent._quantum.ibm.options import Settings, seconds
from covalent._quantum.ibm.secret import without

_FIRST_LOOK = 0.1
_LAST_LOOK = 5.0
_RARER = 1.5


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

    def submit(self, pubs: Sequence[Any]) -> Running:
        """Start one job of circuits, each with its shots."""


@dataclass(frozen=True)
class Running:
    """A job of a Sampler."""

    job: Any
    place: str
    account: Account | None = None

    async def result(self) -> Any:
        """Wait for the job.

        Raises:
            JobFailed: it failed or was cancelled; the cause is Qiskit's error.

        """
        try:
            if self.account is not None:
                await self._ended()
            return await asyncio.to_thread(self.job.result)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self.cancel))
            raise
        except Exception as exc:
            raise JobFailed(self._told(exc)) from exc

    async def _ended(self) -> None:
        """Look at a job of the service, more and more rarely."""
        wait = _FIRST_LOOK
        while not await asyncio.to_thread(self.job.in_final_state):
            await asyncio.sleep(wait)
            wait = min(wait * _RARER, _LAST_LOOK)

    def cancel(self) -> None:
        """Cancel the job; one that has ended stays as it is."""
        with contextlib.suppress(Exception):  # it may have ended meanwhile: that is no error of the caller
            self.job.cancel()

    def _told(self, exc: Exception) -> str:
        text = f"job {self.job.job_id()} on {self.place} failed: {exc}"
        return without(text, self.account.token if self.account else "")


@dataclass(frozen=True)
class Statevector:
    """Qiskit's own Sampler: no noise, no back end."""

    settings: Settings
    name: str = "local_sampler"
    qubits: int | None = None
    exact: bool = True

    def prepared(self, circuits: Sequence[Any]) -> Sequence[Any]:
        """The circuits as they are."""
        return circuits

    def submit(self, pubs: Sequence[Any]) -> Running:
        """Start one job in a thread."""
        from qiskit.primitives import StatevectorSampler

        return Running(StatevectorSampler(seed=self.settings.seed).run(pubs), self.name)


@dataclass(frozen=True)
class Here:
    """A fake back end, or a simulator of Aer: Qiskit Runtime's local testing mode."""

    settings: Settings
    backend: Any = field(repr=False)
    transpile: bool = True
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
        """The circuits in gates and on neighbours that the back end has; without `transpile`, no more than that."""
        level = self.settings.optimization_level if self.transpile else 0
        return _transpiled(circuits, self.backend, self.settings, level)

    def submit(self, pubs: Sequence[Any]) -> Running:
        """Start one job in a thread."""
        from qiskit_ibm_runtime import SamplerV2

        sampler = SamplerV2(mode=self.backend, options=self.settings.for_simulator())
        return Running(sampler.run(pubs), self.name)


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
        return _transpiled(circuits, self.backend, self.settings, self.settings.optimization_level)

    def submit(self, pubs: Sequence[Any]) -> Running:
        """Send one job.

        Raises:
            BackendUnavailable: the device is offline, or its queue is too long.
            JobFailed: the service did not take the job.

        """
        from qiskit_ibm_runtime import SamplerV2
        from qiskit_ibm_runtime.exceptions import IBMRuntimeError

        self.account.ready(self.backend, self.settings.max_pending_jobs)
        options = self.settings.for_device(self.max_time, in_session=self.in_session)
        with self.account.errors(f"send a job to {self.name}"):
            try:
                job = SamplerV2(mode=self._mode(), options=options).run(pubs)
            except IBMRuntimeError as exc:
                text = without(f"{self.name} did not take the job: {exc}", self.account.token)
                raise JobFailed(text) from exc
        return Running(job, self.name, self.account)

    def _mode(self) -> Any:
        if not self.in_session:
            return self.backend
        return sessions.session(self.account, self.backend, self.max_time)


def _transpiled(
    circuits: Sequence[Any], backend: Any, settings: Settings, level: int
) -> Sequence[Any]:
    from qiskit.transpiler import generate_preset_pass_manager

    how = dict(settings.transpiler)
    if how.pop("skip_transpilation", False):
        return circuits
    manager = generate_preset_pass_manager(optimization_level=level, backend=backend, **how)
    return [manager.run(circuit) for circuit in circuits]


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
        return Here(settings, _fake(executor.backend))
    account = account_of(executor)
    limit = seconds(getattr(executor, "max_time", None))
    return Device(settings, account.backend(executor.backend), account, limit, in_session)


def simulator(method: str, settings: Settings, *, transpile: bool) -> Place:
    """What replaces a simulator of the cloud: Aer, or Qiskit's statevector where Aer is missing.

    Args:
        method: of Aer.
        settings: options of the executor.
        transpile: whether circuits are optimised first.

    """
    try:
        from qiskit_aer import AerSimulator
    except ModuleNotFoundError:
        return Statevector(settings)
    return Here(settings, AerSimulator(method=method, **_seeded(settings)), transpile)


def _seeded(settings: Settings) -> dict[str, Any]:
    return {} if settings.seed is None else {"seed_simulator": settings.seed}


def local(name: str, settings: Settings, *, transpile: bool) -> Place | None:
    """A back end of that name on this machine, or None: `fake_...` of Qiskit Runtime and Aer's simulators."""
    if name.startswith("aer_simulator"):
        method = name.removeprefix("aer_simulator").lstrip("_") or "automatic"
        return simulator(method, settings, transpile=transpile)
    if name.lower().startswith("fake"):
        return Here(settings, _fake(name))
    method = retired.simulator(name)
    return None if method is None else simulator(method, settings, transpile=transpile)


def _fake(name: str) -> Any:
    from difflib import get_close_matches

    from qiskit_ibm_runtime.fake_provider import FakeProviderForBackendV2

    from covalent._quantum.ibm.errors import UnknownBackend

    known = {each.name: each for each in FakeProviderForBackendV2().backends()}
    plain = {each.replace("_", ""): each for each in known}
    wanted = name.lower().removesuffix("v2").replace("_", "")
    if wanted in plain:
        return known[plain[wanted]]
    near = ", ".join(get_close_matches(name, known, n=3)) or ", ".join(sorted(known))
    raise UnknownBackend(f"no fake back end {name!r}; there are {near}")
