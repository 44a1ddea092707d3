"""What holds for every executor, without running it. An executor's test class inherits this and says what it is.

    class TestSlurm(ExecutorContract):
        executor = SlurmExecutor
        defaults = {"username": "", ...}          # every parameter of the reference, with its default
        example = {"username": "user", ...}       # what an example of the reference sets
        misspelt = {"partion": "partition"}
        refused = [({"poll_freq": 0}, "poll_freq")]

Checks that only one executor needs are methods of its own class.
"""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
from statelint.config import Config
from statelint.linter import Linter
from tests.golden.shapes import ID, manifest

import covalent as ct
import covalent.executor
from covalent.executor.base import AbstractExecutor
from covalent.executor.settings import encoded, is_own
from covalent_contracts import sheet
from covalent_contracts.errors import InvalidWorkflow
from covalent_executors import registry
from covalent_executors.place import Place
from covalent_executors.spec import Spec
from covalent_executors.task import ELECTRON_ERRORS, EXECUTE, START_ERRORS, TaskTemplate
from covalent_step_functions import quotas
from covalent_step_functions.compiler import compile_dispatch

Settings = Mapping[str, Any]
PYTHON = "3.11.7"
LONGEST_STATE = 8 * 1024
"""Bytes of one electron's states: a hundred of them with all that is allowed must fit a machine of 1 MiB."""
_IS_SECRET = re.compile("secret|password|token|credentials|_key$")
MARK = "d0-n0t-te11"
"""A value that must not be seen where it does not belong."""


class ExecutorContract:
    """Inherit, and set at least `executor` and `defaults`."""

    executor: ClassVar[type[AbstractExecutor]]
    """The class that users write."""
    defaults: ClassVar[Settings]
    """Every parameter that the reference lists for it, with its default."""
    example: ClassVar[Settings] = {}
    """What an example of the reference sets."""
    required: ClassVar[Settings] = {}
    """Parameters that have no default."""
    positional: ClassVar[Sequence[str]] = ()
    """Parameters in the order of the reference's signature."""
    misspelt: ClassVar[Mapping[str, str]] = {"retires": "retries", "timelimit": "time_limit"}
    """Wrong names, and what is offered for each."""
    refused: ClassVar[Sequence[tuple[Settings, str]]] = ()
    """Impossible values, and a word that the refusal must have beside the parameter's name."""
    place: ClassVar[Place] = Place({"3.11": "runner-311"})
    """A deployment that has what the executor needs."""
    bare: ClassVar[tuple[Place, str] | None] = None
    """A deployment that lacks it, and a word of the cure that the refusal names."""
    secrets: ClassVar[Sequence[str]] = ()
    """Parameters whose value must not be in the definition."""
    failures: ClassVar[Sequence[str]] = ELECTRON_ERRORS
    """The errors of a state that mean: this try has failed."""
    native_states: ClassVar[Mapping[Any, Any]] = {}
    """What the place says of a job, and what we make of it, all there are: see `read`."""

    @pytest.fixture(autouse=True)
    def _own_configuration(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))
        ct.reload_config()

    @classmethod
    def lists(cls) -> Mapping[str, Sequence[Any]]:
        """What there is a check for each of, by the argument of the check."""
        return {
            "parameter": sorted(cls.defaults),
            "wrong": sorted(cls.misspelt),
            "bad": cls.refused,
            "secret": cls.secrets,
            "native": list(cls.native_states),
        }

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One check for each of what the subclass lists."""
        lists = self.lists()
        for argument in set(lists).intersection(metafunc.fixturenames):
            ids = str if argument != "bad" else lambda each: ",".join(each[0])
            metafunc.parametrize(argument, lists[argument], ids=ids)

    # What a subclass may do differently.

    def read(self, native: Any) -> Any:
        """What we make of what the place says of a job."""
        raise NotImplementedError(native)

    def time_limit_of(self, state: Mapping[str, Any]) -> float:
        """The time limit that a state has, or hands to what it calls."""
        return float(state["TimeoutSeconds"])

    # What the checks are made of.

    def made(self, **settings: Any) -> Any:
        """An executor with these settings."""
        return self.executor(**{**self.required, **settings})

    def attributes(self, **settings: Any) -> dict[str, Any]:
        """Its attributes, as they arrive at the control plane."""
        found: dict[str, Any] = json.loads(json.dumps(self.made(**settings).to_dict()))
        return dict(found["attributes"])

    def spec(self, **settings: Any) -> Spec:
        """The control plane's model of it."""
        module = registry._find(self.name).module
        model: type[Spec] = import_module(f"{module}.spec").SPEC
        return model.model_validate(self.attributes(**settings))

    def task(self, **settings: Any) -> TaskTemplate:
        """What Step Functions calls."""
        return registry.task(self.name, self.attributes(**settings), self.place, PYTHON)

    def compiled(self, *edges: tuple[int, int], n: int = 1, **settings: Any) -> Any:
        """A dispatch of electrons that run on it."""
        own = {"own": {"name": self.name, "attributes": self.attributes(**settings)}}
        every = range(n)
        graph = manifest(
            *(edges, n),
            names=dict.fromkeys(every, "electron"),
            executors=own,
            executor_of=dict.fromkeys(every, "own"),
        )
        return compile_dispatch(graph, self.place, "owner")

    def states(self, **settings: Any) -> dict[str, Any]:
        """The states of one electron."""
        found: dict[str, Any] = json.loads(self.compiled(**settings).definition)["States"]
        return found

    def state(self, **settings: Any) -> dict[str, Any]:
        """The state that runs the electron."""
        found: dict[str, Any] = next(iter(self.states(**settings).values()))
        return found

    @property
    def name(self) -> str:
        return self.executor.short_name()

    # The class that users write.

    def test_it_is_on_the_public_page(self) -> None:
        assert getattr(covalent.executor, self.executor.__name__) is self.executor
        assert self.executor.__name__ in covalent.executor.__all__
        assert getattr(ct.executor, self.executor.__name__) is self.executor

    def test_its_short_name_is_registered(self) -> None:
        assert self.name in registry.names()

    def test_its_name_alone_stands_for_it(self) -> None:
        if not self.required:
            assert encoded(self.name) == self.made().to_dict()

    def test_it_comes_with_covalent(self) -> None:
        assert not is_own(self.made())

    def test_the_default(self, parameter: str) -> None:
        assert self.attributes()[parameter] == self.defaults[parameter]

    def test_a_parameter_is_kept_as_it_was_given(self, parameter: str) -> None:
        given = self.example.get(parameter, self.defaults[parameter])
        assert getattr(self.made(**{parameter: given}), parameter) == given

    def test_the_configuration_changes_a_default_and_an_argument_wins(self, parameter: str) -> None:
        given = self.example.get(parameter, self.defaults[parameter])
        if given is None or parameter in self.required:
            return
        ct.set_config(f"executors.{self.name}.{parameter}", given)
        assert getattr(self.made(), parameter) == given
        assert getattr(self.made(**{parameter: given}), parameter) == given

    def test_every_parameter_is_documented(self) -> None:
        told = f"{inspect.getdoc(self.executor)}{inspect.getdoc(AbstractExecutor)}"
        assert [each for each in self.defaults if f"{each}:" not in told] == []

    def test_arguments_by_position(self) -> None:
        values = [self.example.get(each, self.defaults.get(each)) for each in self.positional]
        made = self.executor(*values)
        assert [getattr(made, each) for each in self.positional] == values

    def test_the_example_of_the_reference(self) -> None:
        assert self.example.items() <= self.attributes(**self.example).items()
        assert self.state(**self.example)["Type"] == "Task"

    def test_round_trip_through_json(self) -> None:
        made = self.made(**self.example)
        document = json.loads(json.dumps(made.to_dict()))
        assert self.made().from_dict(document) == made
        assert document["short_name"] == self.name

    def test_an_unknown_parameter_is_refused_with_the_nearest_name(self, wrong: str) -> None:
        with pytest.raises(
            TypeError, match=f"{wrong}'.* did you mean '{self.misspelt[wrong]}'"
        ) as refusal:
            self.made(**{wrong: 1})
        assert self.executor.__name__ in str(refusal.value)

    def test_a_parameter_that_nobody_could_mean_is_refused(self) -> None:
        with pytest.raises(TypeError, match="zzqqxx"):
            self.made(zzqqxx=1)

    # What the control plane makes of it.

    def test_the_spec_round_trips_through_json(self) -> None:
        spec = self.spec(**self.example)
        assert type(spec).model_validate_json(spec.model_dump_json()) == spec

    def test_an_impossible_value_is_refused(self, bad: tuple[Settings, str]) -> None:
        settings, word = bad
        with pytest.raises(InvalidWorkflow, match=word) as refusal:
            self.compiled(**{**self.example, **settings})
        told = str(refusal.value)
        assert self.name in told
        assert any(parameter in told for parameter in settings)

    @pytest.mark.parametrize(
        ("parameter_of_all", "value"),
        [("retries", -1), ("retries", 1001), ("time_limit", "long"), ("time_limit", 1e9)],
    )
    def test_impossible_limits_are_refused(self, parameter_of_all: str, value: Any) -> None:
        with pytest.raises(InvalidWorkflow, match=f"{self.name}.*{parameter_of_all}"):
            self.compiled(**{**self.example, parameter_of_all: value})

    def test_a_deployment_that_lacks_it_says_what_to_do(self) -> None:
        if self.bare is not None:
            place, word = self.bare
            with pytest.raises(InvalidWorkflow, match=word) as refusal:
                registry.task(self.name, self.attributes(**self.example), place, PYTHON)
            assert self.name in str(refusal.value)

    # What Step Functions gets.

    def test_the_template_is_deterministic(self) -> None:
        assert self.task(**self.example) == self.task(**self.example)
        first, second = (self.compiled(n=3, **self.example).definition for _ in range(2))
        assert first == second

    def test_statelint_accepts_its_states(self) -> None:
        settings = {**self.example, "retries": 1, "time_limit": 60}
        found = self.compiled((0, 1), (0, 2), n=3, **settings)
        assert Linter.validate(found.definition, Config(["URI", "FLOAT"], False, False)) == []

    def test_its_states_are_within_the_quotas(self) -> None:
        task = self.task(**self.example)
        assert 1 <= task.states <= task.events <= 60
        assert all(len(name) <= quotas.STATE_NAME for name in self.states(**self.example))
        written = self.compiled(**self.example).definition
        assert len(written.encode()) <= LONGEST_STATE

    def test_equal_electrons_of_a_wide_lattice_are_rows_of_a_map(self) -> None:
        """Names and events of a job must not need an id that only a state of its own has."""
        wide = self.compiled(n=2000, **self.example)
        assert '"Type":"Map"' in wide.definition
        assert Linter.validate(wide.definition, Config(["URI", "FLOAT"], False, False)) == []

    def test_no_dispatch_id_is_in_the_definition(self) -> None:
        """Equal workflows share a machine."""
        assert ID not in self.compiled(**self.example).definition

    def test_service_errors_are_retried_with_jitter(self) -> None:
        retry, *_ = self.state(**self.example)["Retry"]
        assert retry["JitterStrategy"] == "FULL"
        assert "States.ALL" not in retry["ErrorEquals"]

    def test_retries_reach_the_state_and_the_sheet(self) -> None:
        *_, retry = self.state(**{**self.example, "retries": 4})["Retry"]
        if self._is_bridged():  # which repeats a try itself, as the sheet has it
            assert retry["ErrorEquals"] == list(START_ERRORS)
        else:
            assert retry["ErrorEquals"] == list(self.failures)
            assert retry["MaxAttempts"] == 4
        assert self._sheet(retries=4).retries == 4

    def test_what_is_refused_is_not_tried_again(self) -> None:
        """`States.TaskFailed` matches such errors too, and the first that matches counts."""
        retries = self.state(**{**self.example, "retries": 4})["Retry"]
        if "States.TaskFailed" not in retries[-1]["ErrorEquals"]:
            assert not self.task(**self.example).refused
            return
        never = retries[-2]
        assert never["MaxAttempts"] == 0
        assert any("ClientException" in each for each in never["ErrorEquals"])
        others = {each for retry in retries[:-2] for each in retry["ErrorEquals"]}
        assert others.isdisjoint(never["ErrorEquals"])

    def test_the_time_limit_reaches_the_state_and_the_sheet(self) -> None:
        limited = self.state(**{**self.example, "time_limit": 7.5})
        if self._is_bridged():  # which stops the job itself: the time in a queue does not count
            assert "TimeoutSeconds" not in limited
        else:
            assert self.time_limit_of(limited) in (7.5, 8)
        assert self._sheet(time_limit=7.5).time_limit == 7.5

    def test_what_stops_it_is_reported(self) -> None:
        states = self.states(**self.example)
        (catch,) = next(iter(states.values()))["Catch"]
        assert catch["ErrorEquals"] == ["States.ALL"]
        assert states[catch["Next"]]["Parameters"]["Payload"]["do"] == "report"

    def test_nothing_secret_is_in_the_definition(self, secret: str) -> None:
        written = self.compiled(**{**self.example, secret: MARK}).definition
        assert MARK not in written

    def test_what_there_is_to_check_is_listed(self) -> None:
        """Or its checks would not be there."""
        of_login = {each for each in self.defaults if _IS_SECRET.search(each)}
        assert bool(of_login) <= bool(self.secrets)
        assert (type(self).read is not ExecutorContract.read) == bool(self.native_states)

    def test_every_native_state_is_read(self, native: Any) -> None:
        assert self.read(native) == self.native_states[native]

    def _is_bridged(self) -> bool:
        return bool(self.state(**self.example)["Resource"] == EXECUTE)

    def _sheet(self, **settings: Any) -> sheet.Sheet:
        (page,) = self.compiled(**{**self.example, **settings}).pages.values()
        return sheet.load(page).sheets[0]
