"""Electrons that an object runs: what is recorded, and what is called."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from covalent_contracts.errors import TaskCancelledError
from covalent_contracts.hooks import Call, Hooks
from covalent_contracts.sheet import Sheet
from covalent_runner import around, own, watcher
from covalent_runner.errors import ElectronFailed, UpstreamFailed

from .conftest import Dispatch


class Executor:
    """As Covalent's base classes, as far as the runner knows them."""

    def __init__(self, **does: Any) -> None:
        self.does = does

    def execute(
        self,
        function: Any,
        args: Any,
        kwargs: Any,
        dispatch_id: str,
        results_dir: str,
        node_id: int,
    ) -> Any:
        if "raises" in self.does:
            print("said before")
            raise self.does["raises"]
        if "waits" in self.does:
            self.does["waits"]()
        return "ran", function(*args, **kwargs)

    def cancel(self, task_metadata: Any, job_handle: Any) -> None:
        self.does["cancelled"](task_metadata, job_handle)


class Coroutine(Executor):
    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        import asyncio

        if "sleeps" in self.does:
            await asyncio.sleep(600)
        return super().execute(*args, **kwargs)


def run(dispatch: Dispatch, executor: Any, function: Any, *args: Any, **fields: Any) -> Any:
    return dispatch.call(function, *args, executor=dispatch.asset(executor), **fields)


@pytest.mark.parametrize("kind", [Executor, Coroutine])
def test_what_it_returns_is_the_output(dispatch: Dispatch, kind: Any) -> None:
    assert run(dispatch, kind(), lambda a, b: a * b, 6, 7) == ("ran", 42)


def test_hooks_run_once_and_around_the_function(dispatch: Dispatch) -> None:
    hooks = Hooks(
        bash=["echo bash"],
        before=[Call(lambda: print("before") or 2, keyword="b")],
        after=[Call(print, ("after",))],
    )
    assert run(dispatch, Executor(), lambda a, b: print("body") or a + b, 1, hooks=hooks)[1] == 3
    assert dispatch.item(0)["stdout"] == "bash\nbefore\nbody\nafter\n"


def test_what_it_raises_fails_the_electron(dispatch: Dispatch) -> None:
    with pytest.raises(ElectronFailed, match="RuntimeError"):
        run(dispatch, Executor(raises=RuntimeError("no queue")), int)
    assert dispatch.error(0).endswith("RuntimeError: no queue")
    assert dispatch.item(0)["stdout"] == "said before\n"


def test_one_that_says_it_was_cancelled(dispatch: Dispatch) -> None:
    with pytest.raises(UpstreamFailed, match="was cancelled"):
        run(dispatch, Executor(raises=TaskCancelledError("by somebody")), int)
    assert dispatch.status(0) == "CANCELLED"
    assert not dispatch.has_failed
    assert dispatch.item(0)["stdout"] == "said before\n"


def test_an_electron_of_the_runner_itself_does_not_cancel_itself(dispatch: Dispatch) -> None:
    def cancels() -> None:
        raise TaskCancelledError("just an exception here")

    with pytest.raises(ElectronFailed):
        dispatch.call(cancels)
    assert dispatch.status(0) == "FAILED"


def test_one_that_is_not_installed_here_is_named(dispatch: Dispatch) -> None:
    module = type(sys)("not_installed_here")
    exec("class There: pass", vars(module))
    sys.modules["not_installed_here"] = module
    reference = dispatch.asset(module.There())
    del sys.modules["not_installed_here"]
    with pytest.raises(ElectronFailed, match="ExecutorFailed"):
        dispatch.call(int, executor=reference)
    assert "needs module 'not_installed_here', which is not installed" in dispatch.error(0)
    assert "DepsModule('not_installed_here')" in dispatch.error(0)


class Told:
    """Written down by the executor's `cancel`, which runs in this process."""

    calls: list[Any]
    done: threading.Event


@pytest.fixture
def told() -> type[Told]:
    Told.calls, Told.done = [], threading.Event()
    return Told


def note(task_metadata: Any, job_handle: Any) -> None:
    Told.calls.append((task_metadata["node_id"], job_handle))
    Told.done.set()


def wait() -> None:
    assert Told.done.wait(30)


def interrupted() -> None:
    wait()
    raise RuntimeError("its job is gone")


@pytest.mark.parametrize(
    "executor", [Executor(waits=wait, cancelled=note), Coroutine(sleeps=True, cancelled=note)]
)
def test_the_time_limit_cancels_its_job(dispatch: Dispatch, told: Any, executor: Any) -> None:
    with pytest.raises(ElectronFailed, match=r"States\.Timeout"):
        run(dispatch, executor, int, time_limit=0.2)
    assert told.calls == [(0, None)]
    assert (
        dispatch.error(0) == "States.Timeout: electron 0 did not end within its time limit of 0.2 s"
    )


def test_cancel_reaches_it_and_what_follows_is_no_failure(
    dispatch: Dispatch, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "GRACE", 0.0)
    ended = threading.Event()
    monkeypatch.setattr(watcher, "WATCHER", watcher.Watcher(0.01, ended.set))
    monkeypatch.setattr("covalent_runner.run.WATCHER", watcher.WATCHER)
    monkeypatch.setattr(dispatch.store, "is_cancelled", lambda *_: True)
    with pytest.raises(UpstreamFailed):
        run(dispatch, Executor(waits=interrupted, cancelled=note), int)
    assert told.calls[0] == (0, None)
    assert dispatch.status(0) == "CANCELLED"


def test_a_function_without_hooks_is_handed_over_as_it_is() -> None:
    assert around.wrapped(divmod, Hooks()) is divmod


def test_packages_are_installed_where_the_function_runs() -> None:
    wrapped = around.wrapped(int, Hooks(pip=["/no/such/package"]))
    assert wrapped() == 0  # here the runner has installed them
    program = "import sys, pickle\npickle.load(sys.stdin.buffer)()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=cloudpickle.dumps(wrapped),
        capture_output=True,
        check=False,
    )
    assert b"pip could not install /no/such/package" in done.stderr


@pytest.mark.parametrize("may_attach", [False, True])
def test_a_function_with_hooks_needs_nothing_of_covalent_elsewhere(may_attach: bool) -> None:
    def named(a: int, b: int = 0) -> tuple[int, bool]:
        return a + b, any(each.startswith("covalent") for each in sys.modules)

    hooks = Hooks(
        bash=["echo bash"], before=[Call(lambda: 5, keyword="b")], after=[Call(print, ("z",))]
    )
    wrapped = around.wrapped(named, hooks, may_attach=may_attach)
    assert wrapped.__name__ == "named"
    program = "import sys, pickle, cloudpickle\nprint(pickle.load(sys.stdin.buffer)(1))\n"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path += {_only_cloudpickle()!r}\n{program}"],
        input=cloudpickle.dumps(wrapped),
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stdout.decode().split("\n")[:3] == ["bash", "z", "(6, False)"], done.stderr.decode()


def _only_cloudpickle() -> list[str]:
    return [str(Path(cloudpickle.__file__).parents[1])]


def test_a_sheet_without_an_executor_is_the_runners() -> None:
    assert own.loaded(Sheet(0, "plain"), {}) is None
