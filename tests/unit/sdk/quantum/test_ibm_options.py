"""Options of executors for IBM Quantum; nothing of Qiskit is needed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent._quantum.ibm import options
from covalent._quantum.ibm.errors import BadOption


def test_options_are_sorted_by_who_takes_them() -> None:
    found = options.settings(
        {
            "optimization_level": 1,
            "resilience_level": 0,
            "max_pending_jobs": 5,
            "transpilation": {"seed_transpiler": 3},
            "simulator": {"seed_simulator": 4},
            "default_shots": 10,
        }
    )

    assert (found.optimization_level, found.resilience_level, found.max_pending_jobs) == (1, 0, 5)
    assert found.transpiler == {"seed_transpiler": 3}
    assert found.sampler == {"simulator": {"seed_simulator": 4}, "default_shots": 10}
    assert found.seed == 4


def test_the_highest_levels_are_the_default() -> None:
    found = options.settings({})

    assert (found.optimization_level, found.resilience_level, found.seed) == (3, 1, None)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"optimisation_level": 1}, "did you mean 'optimization_level'"),
        ({"resilence_level": 1}, "did you mean 'resilience_level'"),
        ({"twirling": {"enable_gate": True}}, "did you mean 'twirling.enable_gates'"),
        ({"seed_simulator": 1}, "did you mean 'simulator.seed_simulator'"),
        ({"execution": {"shots": 10}}, "give shots to the executor"),
        ({"resilience": {"noise_amplifier": "x"}}, "use resilience_level"),
        ({"environment": {"callback": print}}, "no interim ones"),
        ({"zzz": 1}, "there are default_shots"),
        ({"default_shots": 0}, "default_shots is 0; give a positive number"),
        ({"twirling": True}, "must be a dictionary"),
        ({"optimization_level": 4}, "takes 0 to 3"),
        ({"optimization_level": "high"}, "takes 0 to 3"),
        ({"resilience_level": 2}, "takes 0 to 1"),
        ({"resilience_level": True}, "takes 0 to 1"),
    ],
)
def test_what_the_sampler_does_not_have(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(BadOption, match=told):
        options.settings(wrong)


def test_resilience_is_what_the_second_sampler_has_for_it() -> None:
    given_more = options.settings({"twirling": {"enable_measure": False, "strategy": "all"}})

    sent = given_more.for_device(None, in_session=True)

    assert sent["dynamical_decoupling"] == {"enable": True}
    assert sent["twirling"] == {"enable_measure": False, "strategy": "all"}


def test_options_are_not_changed_by_use() -> None:
    given_options = {"twirling": {"enable_gates": True}}

    options.settings(given_options).for_device(10, in_session=False)

    assert given_options == {"twirling": {"enable_gates": True}}


@pytest.mark.parametrize(
    ("in_session", "own", "sent"),
    [(True, {}, None), (False, {}, 60), (False, {"max_execution_time": 5}, 5)],
)
def test_a_job_without_a_session_has_the_limit_itself(
    own: dict[str, int], sent: int | None, *, in_session: bool
) -> None:
    found = options.settings(own).for_device(60, in_session=in_session)

    assert found.get("max_execution_time") == sent


@pytest.mark.parametrize(
    ("given_time", "seconds"),
    [(None, None), (90, 90), ("90", 90), ("2h 30m 40s", 9040), ("2h", 7200), ("5m10s", 310)],
)
def test_times(given_time: Any, seconds: int | None) -> None:
    assert options.seconds(given_time) == seconds


@pytest.mark.parametrize("wrong", [0, -1, "", "soon", "2 days", "0s"])
def test_wrong_times(wrong: Any) -> None:
    with pytest.raises(ValueError, match="max_time"):
        options.seconds(wrong)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(1, 59))
def test_times_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert (
        options.seconds(f"{hours}h {minutes}m {seconds}s") == (hours * 60 + minutes) * 60 + seconds
    )
