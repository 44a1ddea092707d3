import pytest

from covalent_executors import bootstrap, exits


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (1, "the job ended with exit code 1"),
        (5, "no longer reached the deployment's bucket"),
        (bootstrap.UNREACHED, "allow it HTTPS"),
        (bootstrap.REFUSED, "not to be run any more"),
        (bootstrap.OVER_TIME, "time limit"),
        (bootstrap.OTHER_PYTHON, "the same minor version"),
        (125, "docker"),
        (127, "no python3"),
        (137, "out of memory: get more"),
        (143, "ended by signal 15"),
    ],
)
def test_a_code_is_told_with_what_it_means(code: int, told: str) -> None:
    found = exits.explained(code, "get more")
    assert told in found
    assert str(code) in found
