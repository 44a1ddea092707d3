"""Commands and scripts in bash: arguments, outputs, failures; nothing in a value is executed."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_runner.errors import LeptonFailed
from covalent_runner.leptons.library import Library
from covalent_runner.leptons.placeholders import filled
from covalent_runner.leptons.shell import (
    Output,
    ShellCommand,
    ShellFunction,
    WrittenCommand,
    to_bool,
)

Z = (Output("z"),)
TEXTS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=30)
PLACES = (
    "z={v}",
    'z="{v}"',
    "z='{v}'",
    'printf -v z %s "{v}"',
    "# don't\nz={v} # it's",
    "z=$(cat <<'E'\ndon't\nE\n){v}; z=\"${{z#don\\'t}}\"",
    'z="$v"',
    "read -r -d '' z <<< x; z='{v}'",
    "cat <<E\nE\nz='{v}'",
    "cat <<-E > /dev/null\n\tdon't\n\tE\nz='{v}'",
    "y=$((1<<2))\nz='{v}'",
    'cat <<< "{v}" > /dev/null\nz={v}',
    "f() { z=$1; }; f {v}",
    'z="\\"{v}\\""; z="${z#\\"}"; z="${z%\\"}"',
)


def test_keywords_are_filled_in_and_outputs_cast() -> None:
    command = ShellCommand((Output("x", int), Output("y", int)), command="x={a}; y=$((a+1))")
    assert command(a=5) == (5, 6)


def test_positional_arguments_and_empty_standard_input() -> None:
    assert ShellCommand(Z, command='read -r line; z="$1|$2|$#|$line"')("p q", 3) == "p q|3|2|"


@given(st.sampled_from([each for each in PLACES if "{{" not in each]), TEXTS)
def test_a_value_arrives_whole_wherever_it_is_written(place: str, value: str) -> None:
    assert ShellCommand(Z, command=place)(v=value) == value


@pytest.mark.parametrize("place", ['"{v}"', "'{v}'", "{v}", '"$({v})"', "`{v}`", "$(echo '{v}')"])
def test_nothing_in_a_value_is_executed(place: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    for value in (
        f"$(touch {bad})",
        f"`touch {bad}`",
        f"; touch {bad}",
        f"'; touch {bad} #",
        f'"; touch {bad} #',
    ):
        try:
            ShellCommand(Z, command=f"z=1; : {place}; true")(v=value)
        except LeptonFailed:
            continue
    assert not bad.exists()


def test_here_documents() -> None:
    command = 'z=$(cat <<E\ndon\'t "{v}"\nE\n)'
    assert ShellCommand(Z, command=command)(v="$(x) y") == 'don\'t "$(x) y"'


@pytest.mark.parametrize(
    ("command", "value", "expected"),
    [
        ("echo {a} ${a} {b} {{a}}", "x", "echo x ${a} {b} {x}"),
        ("awk '{{print $1}}' {a}", "x", "awk '{print $1}' x"),  # as str.format wants it
        ("awk '{print $1}' {a}", "x", "awk '{print $1}' x"),
        ("echo ${b:-${c}} {a}", "x y", 'echo ${b:-${c}} "${a}"'),
        ("echo \\'{a}", "x y", 'echo \\\'"${a}"'),
        ("{a}", "", '"${a}"'),
        ("for i in {1..{a}}; do", "3", "for i in {1..3}; do"),
    ],
)
def test_filling_in(command: str, value: str, expected: str) -> None:
    assert filled(command, {"a": value}) == expected


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("echo before >&2; exit 4", r"exit status 4\nbefore"),
        ("z=1; false", "exit status 1"),
        ("nosuch", r"exit status 127\n.*line 1: nosuch: command not found"),
        ("z=1\nif", r"exit status 2\n.*syntax error"),
        ("kill -9 $$", "ended by signal 9"),
        ("y=1", "never set its output 'z'"),
        ("z=1; trap - EXIT", "never set its output 'z', or ended without bash's EXIT trap"),
    ],
)
def test_failures(command: str, told: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LeptonFailed, match=told):
        ShellCommand(Z, command=command)()
    said = capfd.readouterr().err
    assert "before" in said or "before" not in command


def test_an_exit_keeps_the_outputs() -> None:
    assert ShellCommand(Z, command="z='a\nb'; exit 0")() == "a\nb"
    assert ShellCommand(Z, command="set -eu; z=")() == ""
    assert ShellCommand(command="true")() is None


def test_an_output_of_another_type_is_told() -> None:
    with pytest.raises(LeptonFailed, match="output 'z' is 'four', not int"):
        ShellCommand((Output("z", int),), command="z=four")()


@pytest.mark.parametrize("text", ["", "0", "false", "No"])
def test_what_is_false_in_a_shell(text: str) -> None:
    assert to_bool(text) is False
    assert to_bool("1") is True


def test_arguments_that_bash_cannot_take() -> None:
    with pytest.raises(TypeError, match="keeps UID for itself"):
        ShellCommand(command="true").check((), {"UID": 1})
    with pytest.raises(LeptonFailed, match="holds a NUL character"):
        ShellCommand(command="true")("a\0b")
    with pytest.raises(LeptonFailed, match="cannot be started with these arguments"):
        ShellCommand(command="true")("x" * 3_000_000)


def test_without_bash_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LeptonFailed, match="needs bash, which is not on the PATH"):
        ShellCommand(command="true")()


def test_the_environment_of_children_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "here")
    command = "z=\"$KEPT $(bash -c 'echo $a ${BASH_ENV-none}')\""
    assert ShellCommand(Z, command=command)(a="exported") == "here exported none"


def test_a_function_of_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Library("greet it.sh", b'greet() { out="hi $1 $who"; }\n')
    monkeypatch.setattr("tempfile.tempdir", os.fspath(tmp_path / "with space's"))
    (tmp_path / "with space's").mkdir()
    greet = ShellFunction((Output("out"),), "greet", "greet", script)
    assert greet("a b", who="you") == "hi a b you"
    with pytest.raises(LeptonFailed, match="the script has no function nothing"):
        ShellFunction((), "nothing", "nothing", script)()


def test_a_command_that_a_function_writes(capfd: pytest.CaptureFixture[str]) -> None:
    def writer(name: str) -> Any:
        return f"echo hello {name}" if name else None

    assert WrittenCommand(title="hello", writer=writer)("you") is None
    assert capfd.readouterr().out == "hello you\n"
    with pytest.raises(LeptonFailed, match="writer must return the command as text, not None"):
        WrittenCommand(writer=writer)("")
