import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from covalent._cli.main import cli
from covalent._cli.sources import MODULE, arguments

FLOW = """
import covalent as ct
import beside

print("loading")

@ct.electron
def fetch(i):
    return i

@ct.electron
def add(a, b):
    return a + b

@ct.electron(executor=ct.executor.LocalExecutor(retries=5))
def total(xs):
    return sum(xs)

@ct.lattice
def flow(n, extra=beside.EXTRA):
    print("building")
    xs = [fetch(i) for i in range(n)]
    first, second, third = add(xs[0], xs[1]), add(xs[1], xs[2]), add(xs[0][0], extra)
    return total([*xs, first, second, third])

@ct.lattice
def broken(n):
    def inner():
        return 1 / n
    return inner()

@ct.lattice
def wide():
    return [fetch(i) for i in range(5000)]

@ct.lattice
def long():
    value = 0
    for _ in range(3000):
        value = fetch(value)
    return value

@ct.lattice
def nothing():
    return 1

@ct.lattice
def impossible():
    return ct.electron(lambda: 1, executor="slurmy")()

@ct.lattice
def unpicklable():
    return fetch((i for i in range(3)))

number = 3

if __name__ == "__main__":
    raise SystemExit("run as a script")
"""


MAIN = "from covalent._cli.main import main; main()"
SETS = """
import covalent as ct

@ct.electron
def one(x, **more):
    return x

@ct.lattice
def flow(given):
    parts = {one(name) for name in "abc"}
    return one(parts, given=given, **{name: one(name) for name in ("z", "a", "q")})
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "beside.py").write_text("EXTRA = 1\n")
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    yield tmp_path
    sys.path[:] = path
    sys.modules.pop(MODULE, None)
    sys.modules.pop("beside", None)


@pytest.fixture
def run(folder: Path) -> Callable[..., Result]:
    def compile_(*args: str) -> Result:
        return CliRunner().invoke(cli, ["compile", *args])

    return compile_


Run = Callable[..., Result]


def test_the_definition_is_printed_and_nothing_else(run: Run) -> None:
    result = run("flow.py:flow", "--args", "4")
    assert result.exit_code == 0
    machine = json.loads(result.stdout)
    assert any(name.startswith("total (") for name in machine["States"])
    assert result.stderr == "loading\nbuilding\n"


def test_a_file_gets_it_byte_for_byte(run: Run, folder: Path) -> None:
    result = run("flow.py:flow", "--args", "4", "--output", "asl.json")
    assert (result.exit_code, result.stdout) == (0, "")
    written = (folder / "asl.json").read_text()
    assert json.dumps(json.loads(written), separators=(",", ":")) == written
    sent = len(json.dumps(written)) - 2
    assert f" {sent:,} " in run("flow.py:flow", "--args", "4", "--explain").stdout


def test_it_is_explained(run: Run) -> None:
    output = run("flow.py:flow", "--explain", "--args", "6", "extra=[2]").stdout
    assert "3 x fetch (6, 8, 10)" in output
    assert "gate: waits for 2 x fetch (0, 2)" in output
    found = dict(line.split(maxsplit=1) for line in output.splitlines() if line.startswith(" "))
    assert found["Electrons"].split() == ["10"]
    assert found["Transitions"].startswith("13 ")
    assert found["History"].split() == [str(10 * 5 + 6 + 2 * 4 + 2), "events"]
    assert float(found["Dollars"].split()[0]) == pytest.approx(13 * 25e-6, rel=0.7)
    assert "20,000" in found["execution"]
    assert "such electrons more" in found["definition"]


def test_a_wide_lattice_is_explained_as_a_map(run: Run) -> None:
    output = run("flow.py:wide", "--explain").stdout
    assert "distributed map: 5,000 rows, 40 in a batch" in output
    assert json.loads(run("flow.py:wide").stdout)["States"]


def test_several_machines_are_listed_the_one_to_start_last(run: Run, folder: Path) -> None:
    result = run("flow.py:long", "--output", "asl.json")
    assert (result.exit_code, result.stdout) == (0, "")
    machines = json.loads((folder / "asl.json").read_text())
    text = json.dumps(machines[-1])
    assert all(machine["name"] in text for machine in machines[:-1])
    output = run("flow.py:long", "--explain").stdout
    assert "nested execution: " in output
    assert "in the largest machine" in output


def test_nothing_to_run_is_explained(run: Run) -> None:
    result = run("flow.py:nothing", "--explain")
    assert result.exit_code == 0
    assert "nothing to run" in result.stdout


def test_arguments_do_not_change_the_definition(run: Run) -> None:
    one = run("flow.py:flow", "--args", "3", "extra=1")
    two = run("flow.py:flow", "--args", "n=3", '"x"')
    assert run("flow.py:flow", "--args", "3", '"x"').stdout == one.stdout
    assert two.exit_code == 1


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["flow.py"], "flow.py is not of the form FILE:LATTICE"),
        (["absent.py:flow"], "cannot read absent.py: No such file"),
        ([".:flow"], "cannot read .: Is a directory"),
        (["notes.txt:flow"], "notes.txt is not Python: invalid syntax, line 2"),
        (["binary:flow"], "binary is not Python: "),
        (["raising.py:flow"], "raising.py raises ZeroDivisionError: division by zero (raising.py, line 3)"),
        (["exiting.py:flow"], "exiting.py raises SystemExit: 3 (exiting.py, line 1)"),
        (["flow.py:flows"], "no lattice 'flows'; it has flow, broken, wide"),
        (["raising.py:"], "is not of the form"),
        (["flow.py:number"], "number in flow.py is a int, not a lattice"),
        (["flow.py:fetch"], "not a lattice: decorate it with @ct.lattice"),
        (["flow.py:flow"], "lattice flow: Missing arguments: n (--args)"),
        (["flow.py:flow", "--args", "1", "2", "3"], "Too many positional arguments"),
        (["flow.py:flow", "--args", "1", "m=3"], "Unexpected keyword arguments: m"),
        (["flow.py:flow", "--args", "n=1", "n=3"], "n is given twice"),
        (["flow.py:flow", "--args", "abc"], "abc is neither JSON nor a Python literal"),
        (["flow.py:flow", "--args", "__import__('os')"], "neither JSON nor"),
        (["flow.py:broken", "--args", "0"], "raises ZeroDivisionError: division by zero (flow.py, line 29)"),
        (["flow.py:flow", "--args", "null"], "lattice flow raises TypeError: 'NoneType' object"),
        (["flow.py:impossible"], "no executor named 'slurmy'"),
        (["flow.py:unpicklable"], "raises UnpicklableValue: "),
        (["flow.py:nothing", "--output", "no/such/file"], "cannot write no/such/file: No such file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(
    run: Run, folder: Path, args: list[str], told: str
) -> None:
    (folder / "notes.txt").write_text("x = 1\nthese are notes\n")
    (folder / "binary").write_bytes(b"\x7fELF\x00\xff")
    (folder / "raising.py").write_text("# a\n\nx = 1 / 0\n")
    (folder / "exiting.py").write_text("raise SystemExit(3)\n")
    result = run(*args)
    said = [line for line in result.stderr.splitlines() if line not in ("loading", "building")]
    assert (result.exit_code, len(said), result.stdout) == (1, 1, "")
    assert told in said[0]


def test_an_error_of_several_lines_is_one_line(run: Run, folder: Path) -> None:
    (folder / "flow.py").write_text("raise ValueError('one\\n  two')")
    assert run("flow.py:flow").stderr == (
        "Error: flow.py raises ValueError: one two (flow.py, line 1)\n"
    )


def test_help_has_an_example(run: Run) -> None:
    output = run("--help").stdout
    assert "FILE:LATTICE" in output
    assert "Example: covalent compile workflow.py:train" in output


@pytest.mark.parametrize(
    ("texts", "args", "kwargs"),
    [
        ([], [], {}),
        (["1", "-2.5", "true", "None", "'a'", '"b"'], [1, -2.5, True, None, "a", "b"], {}),
        (["[1, {}]", "(1, 2)", "{1: 2}", '"a=b"'], [[1, {}], (1, 2), {1: 2}, "a=b"], {}),
        (["x=[1]", "y='='"], [], {"x": [1], "y": "="}),
    ],
)
def test_arguments_are_literals(
    texts: list[str], args: list[object], kwargs: dict[str, object]
) -> None:
    assert arguments(texts) == (args, kwargs)


def test_negative_numbers_are_not_options(run: Run) -> None:
    assert "raises IndexError" in run("flow.py:flow", "--args", "-1", "-2").stderr


@pytest.mark.parametrize("seed", ["0", "7"])
def test_the_hash_seed_does_not_matter(run: Run, folder: Path, seed: str) -> None:
    (folder / "sets.py").write_text(SETS)
    here = run("sets.py:flow", "--args", '{"a": 1, "b": 2}')
    there = subprocess.run(
        [sys.executable, "-c", MAIN, "compile", "sets.py:flow", "--args", '{"b": 3, "a": [4]}'],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout == here.stdout
