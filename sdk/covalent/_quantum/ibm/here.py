"""Places on this machine: Qiskit's own Sampler, the fake back ends of Qiskit Runtime, Aer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from qiskit.primitives import StatevectorSampler
from qiskit_ibm_runtime import SamplerV2, fake_provider

from covalent._quantum.ibm import retired
from covalent._quantum.ibm.circuits import transpiled
from covalent._quantum.ibm.errors import UnknownBackend
from covalent._quantum.ibm.jobs import Running, sent
from covalent._quantum.ibm.options import Settings


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

    async def submit(self, pubs: Sequence[Any]) -> Running:
        """Start one job in a thread."""
        sampler = StatevectorSampler(seed=self.settings.seed)
        return await sent(lambda: Running(sampler.run(pubs), self.name))


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
        return transpiled(circuits, self.backend, self.settings, level)

    async def submit(self, pubs: Sequence[Any]) -> Running:
        """Start one job in a thread."""
        return await sent(lambda: Running(self._sampler().run(pubs), self.name))

    def _sampler(self) -> Any:
        return SamplerV2(mode=self.backend, options=self.settings.for_simulator())


def simulator(method: str, settings: Settings, *, transpile: bool) -> Statevector | Here:
    """What replaces a simulator of the cloud: Aer, or Qiskit's statevector where Aer is missing.

    Args:
        method: of Aer.
        settings: options of the executor.
        transpile: whether circuits are optimised first.

    """
    try:
        aer = import_module("qiskit_aer")
    except ModuleNotFoundError:
        return Statevector(settings)
    return Here(settings, aer.AerSimulator(method=method), transpile)


def local(name: str, settings: Settings, *, transpile: bool) -> Statevector | Here | None:
    """A back end of that name on this machine, or None: `fake_...` of Qiskit Runtime and Aer's simulators."""
    if name.startswith("aer_simulator"):
        method = name.removeprefix("aer_simulator").lstrip("_") or "automatic"
        return simulator(method, settings, transpile=transpile)
    if name.lower().startswith("fake"):
        return Here(settings, fake(name))
    successor = retired.simulator(name)
    if successor is None:
        return None
    return simulator(successor, settings, transpile=transpile)


def fake(name: str) -> Any:
    """A fake back end of Qiskit Runtime, by its name or its class's.

    Raises:
        UnknownBackend: there is none; the message names the nearest.

    """
    kinds = {
        n: k for n, k in vars(fake_provider).items() if n.startswith("Fake") and "Provider" not in n
    }
    known = {_plain(each): kind for each, kind in kinds.items()}
    found = known.get(_plain(name))
    if found is not None:
        return found()
    near = get_close_matches(_plain(name), known, n=3, cutoff=0.5) or sorted(known)
    names = ", ".join(each.replace("fake", "fake_") for each in near)
    raise UnknownBackend(f"no fake back end {name!r}; there are {names}")


def _plain(name: str) -> str:
    """A name as `fakemanila`, whether it is a class's or a back end's."""
    return "fake" + name.lower().replace("_", "").removeprefix("fake").removesuffix("v2")
