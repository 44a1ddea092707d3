"""Executors: settings, their form on the wire, and running a function by hand."""

from __future__ import annotations

import asyncio
import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import covalent as ct
from covalent._shared_files.config import get_config
from covalent._shared_files.util_classes import DispatchInfo
from covalent.executor import AsyncBaseExecutor, AWSLambdaExecutor, BaseExecutor, LocalExecutor
from covalent.executor.settings import encoded
from covalent_contracts import context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture(autouse=True)
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))


class Own(BaseExecutor):
    SHORT_NAME = "own"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType({"queue": "short"})

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._seen: list[str] = []

    def setup(self, task_metadata: Mapping[str, Any]) -> None:
        self._seen.append("setup")

    def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        self._seen.append(f"run {task_metadata['node_id']}")
        return function(*args, **kwargs)

    def teardown(self, task_metadata: Mapping[str, Any]) -> None:
        self._seen.append("teardown")


class OwnAsync(AsyncBaseExecutor):
    async def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        return function(*args, **kwargs)


@pytest.mark.parametrize(
    "made",
    [
        LocalExecutor(),
        LocalExecutor(time_limit=3, retries=2, log_stdout="out"),
        AWSLambdaExecutor("f", "bucket", timeout=60, memory_size=1024, region="us-east-1"),
        Own(queue="long"),
    ],
    ids=repr,
)
def test_round_trip_through_json(made: Any) -> None:
    document = json.loads(json.dumps(made.to_dict()))
    assert type(made)().from_dict(document) == made
    assert document["short_name"] == made.SHORT_NAME
    assert document["type"] == type(made).__name__


def test_documented_defaults() -> None:
    settings = LocalExecutor().to_dict()["attributes"]
    streams = get_config("executors.local")
    assert streams == {
        "log_stdout": "stdout.log", "log_stderr": "stderr.log",
        "cache_dir": get_config("dispatcher.cache_dir"),
    }  # fmt: skip
    assert settings == {**streams, "time_limit": -1, "retries": 0}
    aws = AWSLambdaExecutor(function_name="f", s3_bucket_name="b").to_dict()["attributes"]
    assert (aws["credentials_file"], aws["profile"]) == ("~/.aws/credentials", "default")
    assert (aws["poll_freq"], aws["timeout"]) == (5, 900)


def test_lambda_takes_every_documented_parameter() -> None:
    given: dict[str, Any] = {
        "lambda_role_name": "r", "s3_bucket_name": "b", "timeout": 60, "memory_size": 512,
        "function_name": "f", "credentials_file": "c", "profile": "p", "region": "e",
        "cache_dir": "d", "poll_freq": 5,
    }  # fmt: skip
    assert given.items() <= AWSLambdaExecutor(**given).to_dict()["attributes"].items()


def test_configuration_changes_defaults_and_arguments_win() -> None:
    ct.set_config({"executors.own.queue": "configured", "executors.own.retries": 4})
    assert (Own().queue, Own().retries) == ("configured", 4)  # type: ignore[attr-defined]  # set from its defaults
    assert Own(queue="given").queue == "given"  # type: ignore[attr-defined]  # set from its defaults


def test_covalents_own_settings_of_a_local_working_directory_are_accepted() -> None:
    made = LocalExecutor(workdir="/somewhere", create_unique_workdir=True, retries=2)
    assert made == LocalExecutor(retries=2)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(TypeError, match=r"LocalExecutor has no setting 'taste'$"):
        LocalExecutor(taste="sweet")
    with pytest.raises(TypeError, match="no setting 'retry': did you mean 'retries'"):
        LocalExecutor(retry=2)


def test_a_short_name_stands_for_the_configured_executor() -> None:
    ct.set_config("executors.awslambda.function_name", "mine")
    ct.set_config("executors.elsewhere.host", "h")
    assert encoded("local") == LocalExecutor().to_dict()
    assert encoded("awslambda")["attributes"]["function_name"] == "mine"
    assert encoded("elsewhere")["attributes"] == {"host": "h"}
    assert encoded("nosuchexec")["attributes"] == {}


def test_the_short_name_is_the_modules_if_not_given() -> None:
    assert OwnAsync.short_name() == OwnAsync.__module__.rpartition(".")[2]


def test_execute_sets_up_runs_and_tears_down() -> None:
    made = Own()
    seen = made.execute(ct.get_context, [], {}, "d", "results", node_id=4)
    assert (seen.dispatch_id, seen.node_id) == ("d", 4)
    assert made._seen == ["setup", "run 4", "teardown"]
    with pytest.raises(ZeroDivisionError):
        made.execute(lambda: 1 / 0, [], {}, "d", "results")
    assert made._seen[-1] == "teardown"


def test_local_calls_the_function() -> None:
    assert LocalExecutor().run(divmod, [7, 2], {}, {}) == (3, 1)


def test_placeholders_of_the_synchronous_base(tmp_path: Path) -> None:
    made = LocalExecutor()
    assert made.cancel({}, "job") is False
    assert made.get_cancel_requested() is False
    assert made.set_job_handle("job") == "job"
    with made.get_dispatch_context(DispatchInfo("d")) as info:
        assert info.dispatch_id == ct.get_context().dispatch_id == "d"
    made.write_streams_to_file(["out", "err"], ["a/out.log", ""], "d", str(tmp_path))
    made.write_streams_to_file(["put"], ["a/out.log"], "d", str(tmp_path))
    assert (tmp_path / "d" / "a" / "out.log").read_text() == "output"


def test_placeholders_of_the_asynchronous_base(tmp_path: Path) -> None:
    async def use(made: OwnAsync) -> list[Any]:
        await made.write_streams_to_file(["out"], ["o"], "d", str(tmp_path))
        return [
            await made.execute(divmod, [7, 2], {}, "d", str(tmp_path)),
            await made.cancel({}, "job"),
            await made.get_cancel_requested(),
            await made.set_job_handle("job"),
        ]

    assert asyncio.run(use(OwnAsync())) == [(3, 1), False, False, "job"]
    assert (tmp_path / "d" / "o").read_text() == "out"


def test_lambda_is_reached_by_dispatch_only() -> None:
    with pytest.raises(RuntimeError, match=r"covalent\.dispatch"):
        asyncio.run(AWSLambdaExecutor().run(divmod, [], {}, {}))


class Runner:
    """What the runner offers to executors."""

    def __init__(self) -> None:
        self.cancelled = False
        self.handle = ""
        self.cancel: Any = None

    def is_cancelled(self) -> bool:
        return self.cancelled

    def set_job_handle(self, handle: str, cancel: Any) -> None:
        self.handle, self.cancel = handle, cancel


class Remote(Own):
    SHORT_NAME = "remote"

    def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        self.set_job_handle({"job": 7})
        return self.get_cancel_requested()

    def cancel(self, task_metadata: Mapping[str, Any], job_handle: Any) -> Any:
        self._seen.append(f"cancel {job_handle['job']} of {task_metadata['node_id']}")


class RemoteAsync(AsyncBaseExecutor):
    def __init__(self) -> None:
        super().__init__()
        self._seen: list[str] = []

    async def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        await self.set_job_handle({"job": 7})
        return await self.get_cancel_requested()

    async def cancel(self, task_metadata: Mapping[str, Any], job_handle: Any) -> Any:
        self._seen.append(f"cancel {job_handle['job']} of {task_metadata['node_id']}")


@pytest.mark.parametrize("made", [Remote(), RemoteAsync()])
@pytest.mark.parametrize("cancelled", [False, True])
def test_cancelling_reaches_executors(made: Any, cancelled: bool) -> None:
    runner = Runner()
    runner.cancelled = cancelled
    with context.entered(context.Context("d", 4, runner)):
        told = made.execute(len, [], {}, "d", "results", 4)
        if isinstance(made, AsyncBaseExecutor):
            told = asyncio.run(told)
    assert told is cancelled
    assert json.loads(runner.handle) == {"job": 7}
    made._seen.clear()
    runner.cancel()
    assert made._seen == ["cancel 7 of 4"]


def test_outside_an_electron_nothing_is_cancelled() -> None:
    made = Own()
    assert made.set_job_handle("job") == "job"
    assert made.get_cancel_requested() is False
    assert made.cancel({}, "job") is False
