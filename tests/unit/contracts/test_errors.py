import inspect
import pickle

import pytest

from covalent_contracts import errors
from covalent_contracts.errors import CovalentError, LimitExceeded, UnpicklableValue

TREE: dict[str, type[CovalentError]] = {
    name: error
    for name, error in vars(errors).items()
    if inspect.isclass(error) and error.__module__ == errors.__name__
}


@pytest.mark.parametrize("name", TREE)
def test_every_error_has_one_root_and_is_drawn(name: str) -> None:
    assert issubclass(TREE[name], CovalentError)
    assert name in str(errors.__doc__)
    assert TREE[name].__doc__


def test_a_limit_carries_its_name_and_number() -> None:
    error = LimitExceeded("too wide", limit="history events", number=25_000)
    assert (str(error), error.limit, error.number) == ("too wide", "history events", 25_000)


def test_an_unpicklable_value_is_a_type_error_as_in_covalent() -> None:
    assert issubclass(UnpicklableValue, TypeError)


@pytest.mark.parametrize("name", sorted(set(TREE) - {"LimitExceeded"}))
def test_errors_travel_between_processes(name: str) -> None:
    back = pickle.loads(pickle.dumps(TREE[name]("why")))
    assert (type(back), back.args) == (TREE[name], ("why",))
