"""What is asked for, what is remembered, what is by default."""

import platform
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent._deploy import settings, sources
from covalent._deploy.errors import InvalidSetting
from covalent._deploy.settings import EXECUTORS, Settings, Wanted, variables_for, variables_of


@pytest.fixture(autouse=True)
def python_311(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "11", "9"))


def test_the_first_time_it_is_by_default() -> None:
    decided = Settings.decide(Wanted(), {})
    assert decided == Settings("covalent", "covalent", ("3.11",), "x86_64", {})
    assert decided.is_protected
    assert decided.state_object is None
    assert decided.terraform_variables("/zips") == {
        "prefix": "covalent",
        "runners": ["3.11"],
        "architecture": "x86_64",
        "artifacts": "/zips",
    }


WANTED = st.builds(
    Wanted,
    prefix=st.just("lab"),
    name=st.none() | st.sampled_from(["lab", "other"]),
    pythons=st.lists(st.sampled_from(settings.PYTHONS)).map(tuple),
    architecture=st.none() | st.sampled_from(settings.ARCHITECTURES),
    variables=st.dictionaries(st.sampled_from(["runner_memory", "protect"]), st.integers(1, 9)),
    state=st.none() | st.just("s3://bucket/key"),
)


@given(WANTED)
def test_what_is_not_given_is_as_the_last_time(wanted: Wanted) -> None:
    first = Settings.decide(wanted, {})
    assert Settings.decide(Wanted(prefix="lab"), first.document()) == first
    assert Settings.decide(wanted, first.document()) == first


def test_what_is_given_wins() -> None:
    first = Settings.decide(Wanted(variables={"a": 1, "b": 1}), {})
    again = Settings.decide(
        Wanted(pythons=("3.13", "3.12", "3.12"), architecture="arm64", variables={"b": 2}),
        first.document(),
    )
    assert again.pythons == ("3.12", "3.13")
    assert again.architecture == "arm64"
    assert again.variables == {"a": 1, "b": 2}


def test_a_python_without_a_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "14", "0"))
    with pytest.raises(
        InvalidSetting, match=r"no runner for Python 3\.14, which runs here"
    ) as error:
        Settings.decide(Wanted(), {})
    assert "--python" in error.value.cure
    assert Settings.decide(Wanted(pythons=("3.12",)), {}).pythons == ("3.12",)


@pytest.mark.parametrize(
    "asked",
    [
        {"prefix": ""},
        {"prefix": "Covalent"},
        {"prefix": "-a"},
        {"prefix": "a-"},
        {"prefix": "a--b"},
        {"prefix": "1a"},
        {"prefix": "a" * 31},
        {"name": "a.b"},
        {"name": ""},
        {"name": "local"},
        {"prefix": "local"},
        {"pythons": ("3.10",)},
        {"pythons": ("3.12", "3")},
        {"architecture": "mips"},
        {"variables": {"prefix": "x"}},
        {"variables": {"artifacts": "x"}},
        {"state": "bucket/key"},
        {"state": "s3://bucket"},
        {"state": "s3://bucket/"},
    ],
)
def test_what_cannot_be(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        Wanted(**asked)


@pytest.mark.parametrize("prefix", ["a", "covalent", "a-b-c", "a1-2", "a" * 30])
def test_prefixes_that_can_be(prefix: str) -> None:
    assert Wanted(prefix=prefix).prefix == prefix


def test_where_the_state_is() -> None:
    decided = Settings.decide(Wanted(state="s3://my.bucket/some/key.tfstate"), {})
    assert decided.state_object == ("my.bucket", "some/key.tfstate")


def test_protection_can_be_off() -> None:
    assert not Settings.decide(Wanted(variables=variables_of(["protect=false"])), {}).is_protected


def test_variables_are_json_or_text() -> None:
    texts = ["a=1", "b=true", "c=plain text", 'd={"x": [1]}', "e=a=b", "f=", 'g="1"']
    assert variables_of(texts) == {
        "a": 1, "b": True, "c": "plain text", "d": {"x": [1]}, "e": "a=b", "f": "", "g": "1",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["a", "=1", "a b=1", "1=2"])
def test_variables_that_are_none(text: str) -> None:
    with pytest.raises(InvalidSetting, match="not of the form name=value"):
        variables_of([text])


@pytest.mark.parametrize(
    ("executors", "variables", "extras"),
    [
        (["lambda"], {}, ()),
        (["awsbatch", "ecs"], {"batch": {}, "ecs": {}}, ()),
        (["ec2", "braket"], {"ec2": {}, "braket": {}}, ("braket", "job")),
        (["ssh", "slurm"], {"bridge": True}, ("bridge",)),
    ],
)
def test_executors(
    executors: list[str], variables: dict[str, object], extras: tuple[str, ...]
) -> None:
    assert variables_for(executors) == variables
    settings = Settings.decide(Wanted(variables=variables_for(executors)), {})
    assert settings.extras == extras


def test_an_executor_that_is_turned_off_needs_nothing() -> None:
    off = Wanted(variables=variables_of(["ec2=null", "bridge=false"]))
    remembered = Settings.decide(Wanted(variables=variables_for(["ec2", "ssh"])), {}).document()
    assert Settings.decide(off, remembered).extras == ()


def test_an_executor_that_no_deployment_has() -> None:
    with pytest.raises(InvalidSetting, match="executor kubernetes") as error:
        variables_for(["lambda", "kubernetes"])
    assert "awsbatch" in str(error.value.cure)


def test_every_executor_is_a_variable_of_the_terraform_module() -> None:
    code = (sources.terraform() / "variables.tf").read_text()
    names = {name for variables in EXECUTORS.values() for name in variables}
    assert names == {"batch", "ecs", "ec2", "braket", "bridge"}
    assert [name for name in names if f'variable "{name}" {{' not in code] == []
