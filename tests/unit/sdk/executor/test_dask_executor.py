"""What a Dask worker answers, and what becomes of that here; a real cluster is in tests/e2e."""

import asyncio
import platform
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest

import covalent as ct
from covalent._shared_files.exceptions import TaskCancelledError, TaskRuntimeError
from covalent.executor import DaskExecutor

remote: Any = pytest.importorskip("covalent.executor.on_dask.remote")
HERE = platform.python_version()


@pytest.fixture(autouse=True)
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `distributed.get_worker` gives, as far as it is looked at."""
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))
    made = SimpleNamespace(state=SimpleNamespace(executing_count=1), data={})
    monkeypatch.setattr(remote, "get_worker", lambda: made)
    return made


def run(function: Any, *args: Any, python: str = HERE) -> dict[str, Any]:
    payload = cloudpickle.dumps((function, list(args), {}))
    found: dict[str, Any] = remote.electron(payload, python, "key", "dispatch", 3)
    return found


def value(outcome: dict[str, Any]) -> Any:
    return DaskExecutor("tcp://nowhere:1")._value(outcome)


def test_a_value_and_what_was_printed(capsys: pytest.CaptureFixture[str], worker: Any) -> None:
    outcome = run(lambda a: print("told", ct.get_context().task_id) or a * 2, 21)
    assert capsys.readouterr().out == "", "it is on its way back"
    assert value(outcome) == 42
    assert capsys.readouterr().out == "told 3\n"
    assert not remote.interrupt("key", worker)
    assert remote.looks("key", worker) == (False, True)


def test_what_was_raised_comes_with_its_lines() -> None:
    def broken() -> None:
        raise KeyError("of the electron")

    with pytest.raises(KeyError, match="of the electron") as raised:
        value(run(broken))
    assert raised.traceback[-1].name == "broken"


def test_what_cannot_be_pickled_is_named() -> None:
    class Stubborn(Exception):
        def __reduce__(self) -> Any:
            raise RuntimeError("never")

    def broken() -> None:
        raise Stubborn("why")

    with pytest.raises(TaskRuntimeError, match=r"it raised .*Stubborn, which cannot be pickled"):
        value(run(broken))
    with pytest.raises(TaskRuntimeError, match="it returned a lock that cannot be pickled"):
        value(run(threading.Lock))


def test_another_python_is_named_and_nothing_is_unpickled() -> None:
    outcome = run(lambda: 1 / 0, python="3.9.1")
    assert outcome["kind"] == "python"
    minor = ".".join(HERE.split(".")[:2])
    with pytest.raises(
        TaskRuntimeError, match=f"runs Python {HERE}.*start workers with Python {minor}"
    ):
        value(outcome)


def test_an_interrupt_ends_it_and_hits_nobody_else(worker: Any) -> None:
    ready, found = threading.Event(), []

    def loop() -> None:
        ready.set()
        while True:
            threading.Event().wait(0.001)

    namespace = {"ready": ready, "Event": threading.Event, "loop": loop}
    payload = b"unused"
    remote_loads = remote.pickle.loads
    try:
        remote.pickle = SimpleNamespace(loads=lambda _: (namespace["loop"], (), {}))
        thread = threading.Thread(
            target=lambda: found.append(remote.electron(payload, HERE, "key", "dispatch", 3))
        )
        thread.start()
        assert ready.wait(30)
        assert remote.looks("key", worker) == (True, True)
        assert remote.interrupt("key", worker)
        thread.join(30)
    finally:
        remote.pickle = __import__("pickle")
        assert remote_loads is remote.pickle.loads
    with pytest.raises(TaskCancelledError):
        value(found[0])
    assert run(lambda: 5)["kind"] == "value"


def test_settings() -> None:
    ct.set_config("executors.dask.log_stdout", "elsewhere.log")
    made = DaskExecutor()
    assert (made.log_stdout, made.log_stderr) == ("elsewhere.log", "stderr.log")
    assert DaskExecutor("tcp://a:1", "x.log", "y.log", "", "c", True).to_dict()["attributes"] == {
        "log_stdout": "x.log", "log_stderr": "y.log", "cache_dir": "c", "time_limit": -1, "retries": 0,
        "scheduler_address": "tcp://a:1", "conda_env": "", "current_env_on_conda_fail": True,
    }  # fmt: skip


def test_without_a_cluster_the_function_is_called_here() -> None:
    metadata = {"dispatch_id": "d", "node_id": 0}
    assert asyncio.run(DaskExecutor().run(divmod, [7, 2], {}, metadata)) == (3, 1)
    assert asyncio.run(DaskExecutor().cancel(metadata, "key")) is True
