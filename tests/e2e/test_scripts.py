"""Scripts as users write them, run as users run them."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("server")

GEOMETRY = """
import shapes
from dataclasses import dataclass

@dataclass
class Box:
    side: float

class TooSmall(Exception):
    pass

def area(box):
    return shapes.square(box.side)

def refuse():
    raise TooSmall("side")
"""
SHAPES = """
import geometry

def square(side):
    return side ** EXPONENT

def boxed(side):
    return geometry.Box(side)

EXPONENT = 2
"""
SCRIPT = """
import covalent as ct
import geometry
from geometry import Box
from shapes import boxed

measure = ct.electron(geometry.area)
refuse = ct.electron(geometry.refuse)

@ct.electron
def grow(box):
    assert isinstance(box, Box)
    return geometry.shapes.boxed(box.side + 1), boxed(2)

@ct.lattice
def workflow(box):
    bigger, two = grow(box)
    return measure(bigger), bigger, two

if __name__ == "__main__":
    result = ct.dispatch_sync(workflow)(Box(3))
    print(result.error)
    assert result.result == (16, Box(4), Box(2))
    failed = ct.dispatch_sync(ct.lattice(lambda: refuse()))()
    print(failed.error)
"""


def run(folder: Path, script: str) -> str:
    (folder / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_modules_beside_the_script_travel_along(tmp_path: Path) -> None:
    (tmp_path / "geometry.py").write_text(GEOMETRY)
    (tmp_path / "shapes.py").write_text(SHAPES)
    assert run(tmp_path, SCRIPT).splitlines() == [
        "None",
        "The following tasks failed:",
        "0: refuse: geometry.TooSmall: side",
    ]


def test_a_module_that_was_edited_runs_as_it_is_now(tmp_path: Path) -> None:
    script = """
import covalent as ct, edited
print(ct.dispatch_sync(ct.lattice(lambda: ct.electron(lambda: edited.value())()))().result)
"""
    for value in (1, 22):
        (tmp_path / "edited.py").write_text(f"def value(): return {value}")
        assert run(tmp_path, script) == f"{value}\n"


def test_a_module_that_is_imported_in_the_electron_is_missed_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "late.py").touch()
    script = """
import covalent as ct
@ct.electron
def task():
    import late
print(ct.dispatch_sync(ct.lattice(lambda: task()))().error)
"""
    assert "if you import it outside of the electron" in run(tmp_path, script)
