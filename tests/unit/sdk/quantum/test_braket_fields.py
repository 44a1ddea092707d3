"""The settings of the Braket executors: no package of Braket is needed for them."""

import pickle
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import cloudpickle
import pytest
from pydantic import ValidationError

import covalent as ct
from covalent._quantum.amazon import plugin, sessions
from covalent._quantum.amazon.devices import Devices
from covalent._quantum.missing import needed
from covalent._shared_files.exceptions import MissingExtra
from covalent.executor import BraketQubitExecutor, LocalBraketQubitExecutor

SECRET = "wJalrXUtnFEMI"
REMOTE = {
    "persist_data": True,
    "device": "default.qubit",
    "num_threads": 10,
    "max_jobs": 20,
    "shots": (None,),
    "device_arn": None,
    "poll_timeout_seconds": 432000,
    "poll_interval_seconds": 1,
    "aws_session": None,
    "parallel": False,
    "max_parallel": None,
    "max_connections": 100,
    "max_retries": 3,
    "s3_destination_folder": (),
    "run_kwargs": {},
}
LOCAL = {
    "persist_data": True,
    "device": "default.qubit",
    "num_processes": 10,
    "max_jobs": 20,
    "shots": None,
    "backend": "default",
    "run_kwargs": {},
}


@pytest.fixture(autouse=True)
def config(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A configuration of the test's own."""
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))
    ct.reload_config()
    yield
    monkeypatch.undo()
    ct.reload_config()


def session(profile: str = "default") -> Any:
    """As much of an AwsSession as is looked at."""
    boto = SimpleNamespace(profile_name=profile, available_profiles=["work"], secret=SECRET)
    return SimpleNamespace(boto_session=boto, region="eu-west-2", default_bucket=lambda: "mine")


@pytest.mark.parametrize(
    ("executor", "defaults"),
    [(BraketQubitExecutor, REMOTE), (LocalBraketQubitExecutor, LOCAL)],
)
def test_defaults(executor: Any, defaults: dict[str, Any]) -> None:
    made = executor()
    assert {name: getattr(made, name) for name in defaults} == defaults
    assert made.name == executor.__name__
    assert executor(anything=1).anything == 1


def test_the_configuration_has_a_folder_and_a_back_end() -> None:
    ct.set_config(
        {
            "qelectron.BraketQubitExecutor.s3_destination_folder": ["my-bucket", "my-prefix"],
            "qelectron.LocalBraketQubitExecutor.backend": "braket_dm",
        }
    )
    assert BraketQubitExecutor().s3_destination_folder == ("my-bucket", "my-prefix")
    assert BraketQubitExecutor(s3_destination_folder=()).s3_destination_folder == ()
    assert LocalBraketQubitExecutor().backend == "braket_dm"
    assert LocalBraketQubitExecutor(backend="braket_sv").backend == "braket_sv"


def test_a_back_end_may_be_named_as_the_device() -> None:
    named = LocalBraketQubitExecutor(device="braket_dm")
    assert named.device_init_kwargs == {"backend": "braket_dm"}
    both = LocalBraketQubitExecutor(device="default", backend="braket_sv")
    assert both.device_init_kwargs == {"backend": "braket_sv"}


@pytest.mark.parametrize(
    ("executor", "field", "value"),
    [
        (BraketQubitExecutor, "shots", -1),
        (BraketQubitExecutor, "shots", "many"),
        (BraketQubitExecutor, "max_jobs", 0),
        (BraketQubitExecutor, "max_parallel", 0),
        (BraketQubitExecutor, "max_retries", -1),
        (BraketQubitExecutor, "poll_timeout_seconds", -1),
        (BraketQubitExecutor, "s3_destination_folder", ("bucket",)),
        (BraketQubitExecutor, "s3_destination_folder", ("bucket", "")),
        (LocalBraketQubitExecutor, "shots", -1),
        (LocalBraketQubitExecutor, "num_processes", 0),
    ],
)
def test_values_that_cannot_be(executor: Any, field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        executor(**{field: value})


@pytest.mark.parametrize("executor", [BraketQubitExecutor, LocalBraketQubitExecutor])
def test_shots_may_stand_in_run_kwargs(executor: Any) -> None:
    made = executor(run_kwargs={"shots": 7, "reservation_arn": "arn:mine"})
    assert (made.shots, made.run_kwargs) == (7, {"reservation_arn": "arn:mine"})
    assert "shots" not in made.device_init_kwargs
    with pytest.raises(ValidationError, match="shots: given twice, as a field and in run_kwargs"):
        executor(shots=8, run_kwargs={"shots": 7})


def test_what_is_no_session() -> None:
    with pytest.raises(TypeError, match="aws_session must be an AwsSession or the name"):
        BraketQubitExecutor(aws_session=3)


class TestSecrets:
    def test_a_session_is_told_nowhere(self) -> None:
        made = BraketQubitExecutor(aws_session=session())
        told = [repr(made), str(made), made.json_text(), made.model_dump_json()]
        assert not [text for text in told if SECRET in text]

    @pytest.mark.parametrize("package", [pickle, cloudpickle])
    def test_a_session_travels_without_credentials(self, package: Any) -> None:
        written = package.dumps(BraketQubitExecutor(aws_session=session("work"), shots=7))
        assert SECRET.encode() not in written
        read = pickle.loads(written)
        assert read.aws_session == sessions.Parameters(profile="work", region="eu-west-2")
        assert read.shots == 7
        assert pickle.loads(package.dumps(read)).aws_session == read.aws_session

    def test_a_bucket_that_was_named_travels(self) -> None:
        own = session()
        own._custom_default_bucket = True
        assert sessions.parameters(own) == sessions.Parameters(None, "eu-west-2", "mine")
        assert sessions.parameters("work") == sessions.Parameters("work")
        assert sessions.parameters(None) is None

    def test_a_session_that_was_given_is_used(self) -> None:
        own = session()
        assert sessions.made(own, 10) is own


class TestDevices:
    def test_they_travel_as_nothing(self) -> None:
        assert pickle.loads(pickle.dumps(Devices())) == Devices()
        assert Devices() != "something else"

    def test_one_at_a_time(self) -> None:
        devices = Devices()
        made: list[object] = []

        def make() -> object:
            made.append(object())
            return made[-1]

        with devices.borrowed("kind", make) as first:
            with devices.borrowed("kind", make) as second:
                assert first is not second
            with devices.borrowed("kind", make) as again:
                assert again is second
            with devices.borrowed("another", make) as other:
                assert other not in (first, second)
        assert len(made) == 3

    def test_what_all_of_a_kind_share_is_made_once(self) -> None:
        devices, made = Devices(), [1, 2]
        assert [devices.one(kind, made.pop) for kind in ("a", "a", "b")] == [2, 2, 1]


class LateIPython(ModuleType):
    """As IPython is today: `get_ipython` is there, but not in the module's dictionary."""

    def __getattr__(self, name: str) -> Any:
        if name == "get_ipython":
            return lambda: "shell"
        raise AttributeError(name)


def test_brakets_sdk_finds_what_it_wants_of_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    late = LateIPython("IPython")
    monkeypatch.setattr(plugin, "needed", lambda *_: SimpleNamespace(QuantumFunctionError=OSError))
    monkeypatch.setitem(sys.modules, "IPython", late)
    plugin.load("BraketQubitExecutor")
    assert vars(late)["get_ipython"]() == "shell"
    monkeypatch.delitem(sys.modules, "IPython")
    plugin.load("BraketQubitExecutor")
    assert "IPython" not in sys.modules


class TestSessions:
    @pytest.fixture
    def packages(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """What is asked of botocore, boto3 and Braket's SDK."""
        asked: dict[str, Any] = {}

        def noting(name: str) -> Any:
            return lambda **settings: asked.update({name: settings}) or name

        there = {
            "botocore.config": SimpleNamespace(Config=noting("config")),
            "boto3": SimpleNamespace(Session=noting("boto")),
            "braket.aws": SimpleNamespace(AwsSession=noting("session")),
        }
        monkeypatch.setattr(sessions, "needed", lambda module, *_: there[module])
        return asked

    def test_that_of_the_environment(self, packages: dict[str, Any]) -> None:
        assert sessions.made(None, 7) == "session"
        assert packages == {
            "config": {"max_pool_connections": 7},
            "session": {"boto_session": None, "config": "config", "default_bucket": None},
        }

    @pytest.mark.parametrize(
        ("given", "profile", "region", "bucket"),
        [
            ("work", "work", None, None),
            (sessions.Parameters("work", "eu-west-2", "mine"), "work", "eu-west-2", "mine"),
            (sessions.Parameters(region="eu-west-2"), None, "eu-west-2", None),
        ],
    )
    def test_one_that_was_named_or_travelled(
        self, given: Any, profile: Any, region: Any, bucket: Any, packages: dict[str, Any]
    ) -> None:
        sessions.made(given, 7)
        assert packages["boto"] == {"profile_name": profile, "region_name": region}
        made = {"boto_session": "boto", "config": "config", "default_bucket": bucket}
        assert packages["session"] == made


def test_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(module: str, extra: str, why: str) -> Any:
        return needed(module if module == "json" else f"no_{module}", extra, why)

    monkeypatch.setattr(plugin, "needed", without)
    with pytest.raises(MissingExtra, match=r"BraketQubitExecutor needs .*serverless\[braket\]"):
        plugin.load("BraketQubitExecutor")


def test_older_plugins_find_an_error_where_they_look_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packages = {
        "pennylane": SimpleNamespace(),
        "pennylane.exceptions": SimpleNamespace(QuantumFunctionError=KeyError),
        "braket.pennylane_plugin": SimpleNamespace(),
    }
    monkeypatch.setattr(plugin, "needed", lambda module, *_: packages[module])
    plugin.load("BraketQubitExecutor")
    assert packages["pennylane"].QuantumFunctionError is KeyError
