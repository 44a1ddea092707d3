"""The documented options in the words of today's Sampler (V2).

`Options` of the first Qiskit Runtime had other names. What has a successor is translated, what has none is refused
with a word about it, and what never existed is refused with the nearest name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from covalent._quantum.ibm.errors import BadOption

SAMPLER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "default_shots": (),
        "max_execution_time": (),
        "dynamical_decoupling": (
            *("enable", "sequence_type", "extra_slack_distribution"),
            *("scheduling_method", "skip_reset_qubits"),
        ),
        "environment": ("log_level", "job_tags", "private"),
        "execution": ("init_qubits", "rep_delay", "meas_type"),
        "experimental": ("*",),
        "simulator": ("noise_model", "seed_simulator", "coupling_map", "basis_gates"),
        "twirling": (
            *("enable_gates", "enable_measure", "num_randomizations"),
            *("shots_per_randomization", "strategy"),
        ),
    }
)
"""What `qiskit_ibm_runtime.SamplerOptions` takes; a test compares them."""

TRANSPILER = (
    *("initial_layout", "layout_method", "routing_method", "translation_method"),
    *("scheduling_method", "approximation_degree", "seed_transpiler"),
    *("unitary_synthesis_method", "skip_transpilation"),
)
OURS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "optimization_level": (),
        "resilience_level": (),
        "max_pending_jobs": (),
        "transpilation": TRANSPILER,
    }
)
_KNOWN = MappingProxyType({**SAMPLER, **OURS})
_GONE = MappingProxyType(
    {
        "execution.shots": "give shots to the executor",
        "environment.callback": "results come at the end of a job; there are no interim ones",
        "environment.image": "the service chooses the image",
        "execution.meas_type": "circuits of PennyLane need bits: it is always 'classified'",
        "resilience": "it belongs to the Estimator; use resilience_level, twirling or dynamical_decoupling",
        "execution.skip_reset_qubits": "use dynamical_decoupling.skip_reset_qubits",
    }
)
_MAX_OPTIMIZATION = 3
_MAX_RESILIENCE = 1
_RESILIENCE = MappingProxyType({"dynamical_decoupling": "enable", "twirling": "enable_measure"})


@dataclass(frozen=True)
class Settings:
    """Options, sorted by who takes them."""

    optimization_level: int
    resilience_level: int
    transpiler: Mapping[str, Any] = field(default_factory=dict)
    sampler: Mapping[str, Any] = field(default_factory=dict)
    max_pending_jobs: int | None = None

    def for_device(self, max_time: int | None, *, in_session: bool) -> dict[str, Any]:
        """Options for Runtime's Sampler on a real device: resilience is what the second Sampler has for it.

        Args:
            max_time: the executor's limit in seconds.
            in_session: the session has the limit, the jobs need none.

        """
        options = {name: _copied(value) for name, value in self.sampler.items()}
        if self.resilience_level:
            for section, switch in _RESILIENCE.items():
                options[section] = {switch: True, **options.get(section, {})}
        if max_time is not None and not in_session:
            options.setdefault("max_execution_time", max_time)
        return options

    def for_simulator(self) -> dict[str, Any]:
        """Options for a sampler on this machine, which has neither queue nor noise to mitigate."""
        return {
            k: _copied(v) for k, v in self.sampler.items() if k in ("default_shots", "simulator")
        }

    @property
    def seed(self) -> int | None:
        """The seed for simulators."""
        found = self.sampler.get("simulator", {}).get("seed_simulator")
        return None if found is None else int(found)


def settings(options: Mapping[str, Any]) -> Settings:
    """Sort options by who takes them.

    Raises:
        BadOption: the Sampler has no such option, or no such value.

    """
    check(options)
    return Settings(
        optimization_level=options.get("optimization_level", _MAX_OPTIMIZATION),
        resilience_level=options.get("resilience_level", _MAX_RESILIENCE),
        transpiler=dict(options.get("transpilation", {})),
        sampler={name: _copied(value) for name, value in options.items() if name in SAMPLER},
        max_pending_jobs=options.get("max_pending_jobs"),
    )


def check(options: Mapping[str, Any]) -> None:
    """Refuse what the Sampler does not have.

    Raises:
        BadOption: with the nearest name, or with what became of the option.

    """
    for name in _names(options):
        if name in _GONE:
            raise BadOption(f"options: the Sampler has no {name!r} any more; {_GONE[name]}")
        if not _known(name):
            raise BadOption(f"options has no {name!r}{_nearest(name)}")
    _check_level(options, "optimization_level", _MAX_OPTIMIZATION)
    _check_level(options, "resilience_level", _MAX_RESILIENCE)
    shots = options.get("default_shots")
    if shots is not None and (isinstance(shots, bool) or not isinstance(shots, int) or shots < 1):
        raise BadOption(f"options: default_shots is {shots!r}; give a positive number")


def _names(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        inner = _KNOWN.get(name)
        if inner and not isinstance(value, Mapping):
            raise BadOption(
                f"options[{name!r}] must be a dictionary with some of {', '.join(inner)}"
            )
        if not inner or inner == ("*",):
            yield name
        else:
            yield from (f"{name}.{each}" for each in value)


def _known(name: str) -> bool:
    section, _, inner = name.partition(".")
    return section in _KNOWN and (not inner or inner in _KNOWN[section])


def _nearest(name: str) -> str:
    every = [
        f"{section}.{each}" if each else section
        for section, inner in _KNOWN.items()
        for each in (inner if inner != ("*",) else ()) or ("",)
    ]
    last = {each.rpartition(".")[2]: each for each in every}
    found = get_close_matches(name, every, n=1) or [
        last[each] for each in get_close_matches(name.rpartition(".")[2], last, n=1)
    ]
    return f"; did you mean {found[0]!r}?" if found else f"; there are {', '.join(sorted(_KNOWN))}"


def _check_level(options: Mapping[str, Any], name: str, highest: int) -> None:
    level = options.get(name, 0)
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level <= highest:
        raise BadOption(f"options: {name} is {level!r}; the Sampler takes 0 to {highest}")


def _copied(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


_UNITS = MappingProxyType({"h": 3600, "m": 60, "s": 1})
_TIME = re.compile(r"\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m)?\s*(?:(\d+)\s*s)?\s*")


def seconds(max_time: int | str | None) -> int | None:
    """A limit as `7200` or `"2h 30m 40s"`, in seconds.

    Raises:
        ValueError: it is neither, or not positive.

    """
    if max_time is None:
        return None
    found = max_time if isinstance(max_time, int) else _parsed(max_time)
    if found <= 0:
        raise ValueError(f"max_time={max_time!r}: give seconds, or a time as '2h 30m 40s'")
    return found


def _parsed(text: str) -> int:
    if text.strip().isdigit():
        return int(text)
    match = _TIME.fullmatch(text)
    parts = match.groups() if match else ()
    return sum(int(n) * unit for n, unit in zip(parts, _UNITS.values(), strict=False) if n)
