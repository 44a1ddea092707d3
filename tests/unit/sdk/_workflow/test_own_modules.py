"""Modules beside the script travel by value; what is installed goes by name."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest

import covalent as ct
from covalent._workflow import own_modules
from covalent._workflow.own_modules import by_value, pickle_with_own_modules
from covalent_contracts import pickling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], ModuleType]:
    """Writes and imports a module of the user's own."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, source: str) -> ModuleType:
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        importlib.invalidate_caches()
        monkeypatch.setitem(sys.modules, name, None)  # removed again after the test
        monkeypatch.delitem(sys.modules, name)
        return importlib.import_module(name)

    return write


def elsewhere(value: Any, monkeypatch: pytest.MonkeyPatch, *names: str) -> Any:
    """The value as a process gets it that has none of these modules."""
    data = ct.TransportableObject(value).serialize()
    with monkeypatch.context() as patch:
        for name in names:
            patch.setitem(sys.modules, name, None)  # it cannot be imported
        return pickling.loads(data)


def test_a_function_takes_what_it_uses_of_its_module_along(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = module("own_one", "FACTOR = 3\ndef scale(x):\n    return x * FACTOR\n")
    assert elsewhere(mine.scale, monkeypatch, "own_one")(2) == 6


def test_modules_that_import_each_other_travel(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.modules.pop("own_three", None)
    module("own_three", "import sys\nK = 7\n")
    mine = module(
        "own_two", "import own_three\ndef f():\n    return own_three.K + own_three.two.one()\n"
    )
    mine.own_three.two = mine
    mine.one = lambda: 1
    there = elsewhere([mine], monkeypatch, "own_two", "own_three")
    assert there[0].f() == 8


def test_a_package_takes_its_submodules_along(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module("own_package.__init__", "")
    importlib.import_module("own_package")
    sub = module("own_package.sub", "def f():\n    return 1\n")
    assert elsewhere(sub.f, monkeypatch, "own_package", "own_package.sub")() == 1


def test_values_of_own_classes_come_back_as_what_they_were(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = module("own_class", "class Thing:\n    pass\n")
    assert type(elsewhere(mine.Thing(), monkeypatch, "own_class")) is mine.Thing


def test_what_is_installed_goes_by_name() -> None:
    for value in (json.dumps, pytest.raises, ct.get_result):
        assert pickling.loads(ct.TransportableObject(value).serialize()) is value
    names = {each.__name__ for each in own_modules.own_modules()}
    assert not names & {"json", "pytest", "covalent", "covalent_contracts", "sys"}


def test_a_module_that_cannot_be_pickled_goes_by_name_with_a_warning(module: Any) -> None:
    mine = module("own_lock", "import threading\nL = threading.Lock()\ndef f():\n    return L\n")
    with pytest.warns(UserWarning, match="must be installed where electrons run"):
        data = ct.TransportableObject(mine.f).serialize()
    assert pickling.loads(data) is mine.f


def test_an_error_of_the_value_is_raised_without_a_warning(
    module: Any, recwarn: pytest.WarningsRecorder
) -> None:
    module("own_any", "")
    with pytest.raises(TypeError, match="lock"):
        ct.TransportableObject(threading.Lock())
    assert not recwarn.list


def test_the_registry_is_left_as_it_was(module: Any) -> None:
    mine, theirs = module("own_mine", ""), module("own_theirs", "")
    cloudpickle.register_pickle_by_value(theirs)
    try:
        before = cloudpickle.list_registry_pickle_by_value()
        with by_value([mine, theirs]), by_value([mine]):
            assert "own_mine" in cloudpickle.list_registry_pickle_by_value()
        assert cloudpickle.list_registry_pickle_by_value() == before
    finally:
        cloudpickle.unregister_pickle_by_value(theirs)


def test_threads_do_not_take_a_module_from_each_other(module: Any) -> None:
    mine = module("own_threads", "")
    both_in = threading.Barrier(2)

    def hold(_: int) -> bool:
        with by_value([mine]):
            both_in.wait()
            return "own_threads" in cloudpickle.list_registry_pickle_by_value()

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(hold, range(2)))
    assert "own_threads" not in cloudpickle.list_registry_pickle_by_value()


def test_an_expected_error_is_not_tried_twice(module: Any) -> None:
    module("own_expected", "")
    calls = []

    def make() -> bytes:
        calls.append(1)
        raise KeyError

    with pytest.raises(KeyError):
        pickle_with_own_modules(make, unless=(KeyError,))
    assert len(calls) == 1
