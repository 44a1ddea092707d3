import inspect
import pickle

import pytest

from covalent_contracts import errors
from covalent_contracts.errors import CovalentError, LimitExceeded, UnpicklableValue

TREE: dict[str, type[CovalentError]] = {
    name: error
    for name, error in vars(errors).items()
    if inspect.isclass(error) and issubclass(error, CovalentError)
}


@pytest.mark.parametrize("name", TREE)
def test_every_error_is_drawn_and_explained(name: str) -> None:
    assert name in str(errors.__doc__)
    assert TREE[name].__doc__


def test_no_error_stands_outside_the_tree() -> None:
    own = {
        name
        for name, each in vars(errors).items()
        if inspect.isclass(each) and each.__module__ == errors.__name__
    }
    assert own == set(TREE)


def test_a_limit_carries_its_name_and_number() -> None:
    error = LimitExceeded("too wide", limit="history events", number=25_000)
    assert (str(error), error.limit, error.number) == ("too wide", "history events", 25_000)


def test_an_unpicklable_value_is_a_type_error_as_in_covalent() -> None:
    assert issubclass(UnpicklableValue, TypeError)


def test_a_limit_travels_with_its_number() -> None:
    back = pickle.loads(pickle.dumps(LimitExceeded("too wide", limit="branches", number=40)))
    assert (str(back), back.limit, back.number) == ("too wide", "branches", 40)


@pytest.mark.parametrize("name", sorted(set(TREE) - {"LimitExceeded"}))
def test_errors_travel_between_processes(name: str) -> None:
    back = pickle.loads(pickle.dumps(TREE[name]("why")))
    assert (type(back), back.args) == (TREE[name], ("why",))
