import gc

import pytest

from covalent_step_functions.collector import uncollected


@uncollected
def is_resting(failure: Exception | None = None) -> bool:
    if failure:
        raise failure
    return not gc.isenabled()


def test_the_collector_rests_while_the_function_runs_and_no_longer() -> None:
    assert is_resting()
    assert gc.isenabled()


def test_it_works_again_after_a_failure() -> None:
    with pytest.raises(ValueError, match="no"):
        is_resting(ValueError("no"))
    assert gc.isenabled()


def test_who_had_it_off_has_it_off() -> None:
    gc.disable()
    try:
        assert is_resting()
        assert not gc.isenabled()
    finally:
        gc.enable()
