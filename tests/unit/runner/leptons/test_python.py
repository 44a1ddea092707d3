"""Functions of Python modules, by name or in a file that came along."""

import pytest

from covalent_contracts import pickling
from covalent_runner import failures
from covalent_runner.errors import LeptonFailed
from covalent_runner.leptons.library import Library
from covalent_runner.leptons.python import PythonFunction

SOURCE = b"""
from dataclasses import dataclass

@dataclass
class Point:
    x: "int"

count = 0

def made(x):
    global count
    count += 1
    return Point(x + count)

def broken():
    raise KeyError("why")
"""


def test_an_installed_module_goes_by_name() -> None:
    assert PythonFunction("sqrt", "math")(9) == 3
    with pytest.raises(LeptonFailed, match="math has no function 'nothing'"):
        PythonFunction("nothing", "math")()
    with pytest.raises(ModuleNotFoundError):
        PythonFunction("f", "no_such_module_anywhere")()


def test_a_file_is_run_anew_for_each_call() -> None:
    made = PythonFunction("made", library=Library("shapes.py", SOURCE))
    assert [made(1).x, made(1).x] == [2, 2]
    with pytest.raises(LeptonFailed, match=r"shapes\.py has no function 'count'"):
        PythonFunction("count", library=Library("shapes.py", SOURCE))()


def test_what_it_defines_travels_by_value() -> None:
    data = pickling.dumps(PythonFunction("made", library=Library("shapes.py", SOURCE))(1))
    import sys

    for name in [each for each in sys.modules if each.startswith("lepton_")]:
        del sys.modules[name]
    assert pickling.loads(data).x == 2


def test_a_traceback_shows_the_file() -> None:
    with pytest.raises(KeyError) as raised:
        PythonFunction("broken", library=Library("shapes.py", SOURCE))()
    told = failures.describe(raised.value)
    assert told.startswith("Traceback")
    assert 'File "shapes.py", line 16, in broken\n    raise KeyError("why")' in told
