import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from statelint.config import Config
from statelint.linter import Linter

FOLDER = Path(__file__).parents[2] / "golden" / "asl"
FILES = sorted(FOLDER.glob("*.json"))


def test_every_shape_has_its_file(shapes: ModuleType) -> None:
    assert {path.stem for path in FILES} == set(shapes.golden())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_definition_is_the_golden_one(path: Path, shapes: ModuleType) -> None:
    found = shapes.written(path.stem, shapes.golden()[path.stem])
    assert json.loads(found) == json.loads(path.read_text()), "make golden, review"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_statelint_accepts_it(path: Path) -> None:
    for machine in _machines(path):
        assert Linter.validate(json.dumps(machine), Config(["URI", "FLOAT"], False, False)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_states_are_named_once_and_lead_somewhere(path: Path) -> None:
    for machine in _machines(path):
        seen: list[str] = []
        for branch in _branches(machine):
            states = branch["States"]
            seen += states
            goals = {goal for state in states.values() for goal in _goals(state)}
            assert goals | {branch["StartAt"]} == set(states)
        assert len(seen) == len(set(seen))
        assert all(0 < len(name) <= 80 and name.isascii() for name in seen)


def _machines(path: Path) -> list[dict[str, Any]]:
    found = json.loads(path.read_text())
    return found if isinstance(found, list) else [found]


def _branches(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield machine
    for state in machine["States"].values():
        for branch in (*state.get("Branches", ()), state.get("ItemProcessor")):
            if branch:
                yield from _branches(branch)


def _goals(state: dict[str, Any]) -> Iterator[str]:
    if "Next" in state:
        yield state["Next"]
    yield from (catcher["Next"] for catcher in state.get("Catch", ()))
