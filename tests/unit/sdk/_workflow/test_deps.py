"""Dependencies: what they hold, and that they survive being written down."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import covalent as ct
from covalent._workflow.deps import Deps
from covalent._workflow.metadata import hooks_of

if TYPE_CHECKING:
    from pathlib import Path


EVERY: list[Deps] = [
    Deps(round, [1.25], {"ndigits": 1}, retval_keyword="value"),
    ct.DepsBash(["echo 1", "echo 2"]),
    ct.DepsCall(round, [1.25], {"ndigits": 1}, retval_keyword="value"),
    ct.DepsPip(["numpy==2"]),
    ct.DepsModule("json"),
]


@pytest.mark.parametrize("deps", EVERY, ids=lambda each: type(each).__name__)
def test_round_trip_through_json(deps: Deps) -> None:
    document = json.loads(json.dumps(deps.to_dict()))
    blank = type(deps).__new__(type(deps))
    assert blank.from_dict(document) is blank
    assert blank == deps


@pytest.mark.parametrize("deps", EVERY, ids=lambda each: type(each).__name__)
def test_apply_pickles_function_and_arguments(deps: Deps) -> None:
    function, args, kwargs, keyword = deps.apply()
    assert function.get_deserialized() is deps.apply_fn
    assert (args.get_deserialized(), kwargs.get_deserialized()) == (
        deps.apply_args,
        deps.apply_kwargs,
    )
    assert keyword == deps.retval_keyword


def test_applying_bash_runs_the_commands_in_order(tmp_path: Path) -> None:
    file = tmp_path / "out"
    function, args, _, _ = ct.DepsBash([f"echo 1 > {file}", f"echo 2 >> {file}"]).apply()
    function.get_deserialized()(*args.get_deserialized())
    assert file.read_text() == "1\n2\n"
    with pytest.raises(subprocess.CalledProcessError):
        function.get_deserialized()(["exit 3"])


def test_single_strings_are_lists_of_one() -> None:
    assert ct.DepsBash("ls -l").commands == ["ls -l"]
    assert ct.DepsPip("numpy").packages == ["numpy"]


@pytest.mark.parametrize(
    ("kind", "given", "accepted"),
    [
        (ct.DepsPip, 3, "requirements as text"),
        (ct.DepsPip, ["numpy", 3], "requirements as text"),
        (ct.DepsPip, {"numpy": 2}, "requirements as text"),
        (ct.DepsBash, 3, "shell commands as text"),
        (ct.DepsBash, [None], "shell commands as text"),
        (ct.DepsCall, "x", "a function"),
    ],
)
def test_what_is_not_accepted_is_told_with_what_is(kind: Any, given: Any, accepted: str) -> None:
    with pytest.raises(TypeError) as refused:
        kind(given)
    assert str(refused.value).startswith(f"{kind.__name__} takes {accepted}")
    assert str(refused.value).endswith(f"not {given!r}")


def test_tuples_are_lists() -> None:
    assert ct.DepsPip(("numpy", "scipy")).packages == ["numpy", "scipy"]


def test_a_requirements_file_overrides_the_packages(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("# tools\nnumpy==2  # numbers\n\nscipy>=1,\\\n<2\ngit+https://x/y#egg=z\n")
    assert ct.DepsPip(["ignored"], reqs_path=str(file)).packages == [
        "numpy==2", "scipy>=1, <2", "git+https://x/y#egg=z",
    ]  # fmt: skip
    with pytest.raises(FileNotFoundError):
        ct.DepsPip(reqs_path=str(tmp_path / "missing"))


def test_reserved_keywords() -> None:
    with pytest.raises(RuntimeError, match="files"):
        ct.DepsCall(round, retval_keyword="files")
    assert ct.DepsCall(round, retval_keyword="files", override_reserved_retval_keys=True)


def test_call_names_its_parts() -> None:
    call = ct.DepsCall(round, [1.25], {"ndigits": 1})
    assert (call.func, call.args, call.kwargs) == (round, [1.25], {"ndigits": 1})


def test_defaults_are_not_shared() -> None:
    ct.DepsCall(round).args.append(1)
    ct.DepsBash().commands.append("ls")
    assert ct.DepsCall(round).args == []
    assert ct.DepsBash().commands == []


def test_unknown_modules_are_import_errors() -> None:
    with pytest.raises(ImportError):
        ct.DepsModule("no_such_module_at_all")


def hooks(**given: Any) -> Any:
    nothing: dict[str, Any] = dict.fromkeys(("deps_bash", "deps_pip", "deps_module"))
    return hooks_of(**{**nothing, "call_before": [], "call_after": [], **given})


def test_hooks_accept_what_users_write() -> None:
    call = ct.DepsCall(round)
    assert hooks() is None
    assert hooks(deps_bash="ls")["deps"]["bash"].commands == ["ls"]
    assert hooks(deps_pip=ct.DepsPip(["x"]))["deps"]["pip"].packages == ["x"]
    assert hooks(call_before=call)["call_before"] == [call]
    assert [each.module_name for each in hooks(deps_module=["json", json])["deps"]["module"]] == [
        "json", "json",
    ]  # fmt: skip
    with pytest.raises(TypeError, match="write DepsCall"):
        hooks(call_after=[round])
