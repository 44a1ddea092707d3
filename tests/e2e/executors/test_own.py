"""Executors of the user's own on the embedded AWS: from a script, from `executor_dir`, from an installed package."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.e2e.executors.contract import BehaviourContract

import covalent as ct
from covalent._shared_files.exceptions import TaskCancelledError
from covalent_contracts.errors import UnknownExecutor

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests

pytestmark = pytest.mark.usefixtures("server")
TIMEOUT = 30.0
"""Seconds; only a failing run waits so long."""


class Timing(ct.executor.BaseExecutor):
    """The example of the documentation, with a log of what is called."""

    def __init__(self, log: str, *, fails_in: str = "", **settings: Any) -> None:
        self.log = log
        self.fails_in = fails_in
        super().__init__(**settings)

    def setup(self, task_metadata: Any) -> None:
        self.note("setup", task_metadata)

    def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        self.note("run", task_metadata)
        return function(*args, **kwargs)

    def teardown(self, task_metadata: Any) -> None:
        self.note("teardown", task_metadata)

    def note(self, step: str, task_metadata: Any) -> None:
        with Path(self.log).open("a") as file:
            file.write(f"{step} {task_metadata['node_id']}\n")
        if step == self.fails_in:
            raise RuntimeError(f"{step} is broken")


class Elsewhere(ct.executor.BaseExecutor):
    """Runs the function in another interpreter, which has cloudpickle and nothing of Covalent."""

    def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        program = (
            "import sys, cloudpickle\n"
            "function, args, kwargs = cloudpickle.load(sys.stdin.buffer)\n"
            "value = function(*args, **kwargs)\n"
            "assert not any(name.startswith('covalent') for name in sys.modules), 'it was imported'\n"
            "sys.stdout.flush()\n"
            "sys.stderr.buffer.write(cloudpickle.dumps(value))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=cloudpickle.dumps((function, list(args), dict(kwargs))),
            stdout=None,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode())
        return cloudpickle.loads(done.stderr)


class Sleeping(ct.executor.AsyncBaseExecutor):
    """Starts a process that outlives it, unless it is cancelled."""

    def __init__(self, folder: str, **settings: Any) -> None:
        self.folder = folder
        super().__init__(**settings)

    async def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        import asyncio

        # Without the mark that the server knows its descendants by, and away from the process: as on another machine.
        job = subprocess.Popen(
            ["sleep", "600"],
            start_new_session=True,
            env={"PATH": os.environ["PATH"]},
        )
        await self.set_job_handle({"pid": job.pid})
        Path(self.folder, "job").write_text(str(job.pid))
        while job.poll() is None:
            await asyncio.sleep(0.02)
        raise RuntimeError("the job was lost")

    async def cancel(self, task_metadata: Any, job_handle: Any) -> Any:
        import signal

        os.kill(job_handle["pid"], signal.SIGKILL)
        Path(self.folder, "cancelled").write_text(str(task_metadata["node_id"]))
        return True


class Plain(ct.executor.AsyncBaseExecutor):
    """What a user writes first."""

    async def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        return function(*args, **kwargs)


class TestOwn(BehaviourContract):
    def made(self, **settings: Any) -> Any:
        return Plain(**settings)


def ran(electron: Any, *args: Any) -> Any:
    """The result of a lattice of one electron."""

    @ct.lattice
    def single(*values: Any) -> Any:
        return electron(*values)

    return ct.get_result(ct.dispatch(single)(*args), wait=True)


def appears(file: Path) -> str:
    end = time.monotonic() + TIMEOUT
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < end, f"{file} does not appear"
        time.sleep(0.02)  # a file of another process: there is no event to wait for
    return file.read_text()


def is_gone(pid: int) -> bool:
    end = time.monotonic() + TIMEOUT
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    return True


def test_an_executor_of_a_script(tmp_path: Path) -> None:
    log = tmp_path / "log"

    @ct.electron(executor=Timing(str(log)))
    def shout(text: str) -> str:
        print("shouting", text)
        assert ct.get_context().task_id == 0
        return text.upper()

    result = ran(shout, "hello")
    assert (result.status, result.result) == ("COMPLETED", "HELLO")
    assert log.read_text() == "setup 0\nrun 0\nteardown 0\n"
    node = result.get_node_result(0)
    assert node["stdout"] == "shouting hello\n"
    graph = result.lattice.transport_graph
    assert graph.get_node_value(0, "metadata")["executor"] == Timing.short_name()
    assert str(log) not in str(graph.get_node_value(0, "metadata")), "its settings stay its own"
    again = ct.get_result(ct.redispatch(result.dispatch_id)("again"), wait=True)
    assert again.result == "AGAIN"
    assert log.read_text().count("run 0") == 2


@pytest.mark.parametrize("step", ["setup", "run", "teardown"])
def test_a_step_that_fails(tmp_path: Path, step: str) -> None:
    @ct.electron(executor=Timing(str(tmp_path / "log"), fails_in=step))
    def anything() -> int:
        return 1

    result = ran(anything)
    assert result.status == "FAILED"
    assert f"RuntimeError: {step} is broken" in result.error
    steps = (tmp_path / "log").read_text().split()[::2]
    assert steps == {"setup": ["setup"]}.get(step, ["setup", "run", "teardown"])


def test_what_the_electron_raises_and_retries(tmp_path: Path) -> None:
    @ct.electron(executor=Timing(str(tmp_path / "log"), retries=1))
    def broken() -> int:
        raise ValueError("of the electron")

    result = ran(broken)
    assert result.status == "FAILED"
    assert "ValueError: of the electron" in result.error
    assert (tmp_path / "log").read_text().count("run") == 2


def test_the_function_may_run_where_nothing_of_covalent_is() -> None:
    @ct.electron(
        executor=Elsewhere(),
        deps_bash="echo from bash",
        call_before=ct.DepsCall(lambda: 40, retval_keyword="b"),
        call_after=ct.DepsCall(print, args=["after"]),
    )
    def add(a: int, b: int = 0) -> tuple[int, int]:
        import os

        print("body")
        return a + b, os.getpid()

    result = ran(add, 2)
    assert result.status == "COMPLETED", result.error
    assert result.result[0] == 42
    assert not Path(f"/proc/{result.result[1]}").exists()
    assert result.get_node_result(0)["stdout"] == "from bash\nbody\nafter\n"


def test_log_files(tmp_path: Path) -> None:
    out, err = tmp_path / "out.log", tmp_path / "err.log"

    @ct.electron(executor=Timing(str(tmp_path / "log"), log_stdout=str(out), log_stderr=str(err)))
    def speaks() -> None:
        print("told")
        raise ValueError("why")

    assert ran(speaks).status == "FAILED"
    assert out.read_text() == "told\n"
    assert err.read_text().endswith("ValueError: why\n")


@pytest.mark.parametrize("whole", [True, False])
def test_cancel_reaches_the_job(tmp_path: Path, whole: bool) -> None:
    @ct.electron(executor=Sleeping(str(tmp_path)))
    def held() -> int:
        return 1

    @ct.lattice
    def single() -> Any:
        return held()

    dispatch_id = ct.dispatch(single)()
    pid = int(appears(tmp_path / "job"))
    ct.cancel(dispatch_id) if whole else ct.cancel(dispatch_id, [0])
    assert ct.get_result(dispatch_id, wait=True).status == "CANCELLED"
    assert appears(tmp_path / "cancelled") == "0"
    assert is_gone(pid)
    node = ct.get_result(dispatch_id).get_node_result(0)
    assert (node["status"], node["error"]) == ("CANCELLED", None)


def test_a_time_limit_ends_the_job(tmp_path: Path) -> None:
    @ct.electron(executor=Sleeping(str(tmp_path), time_limit=1))
    def held() -> int:
        return 1

    result = ran(held)
    assert result.status == "FAILED"
    assert "States.Timeout: electron 0 did not end within its time limit of 1 s" in result.error
    assert is_gone(int((tmp_path / "job").read_text()))


def test_an_executor_may_say_that_it_was_cancelled() -> None:
    class Cancelling(ct.executor.BaseExecutor):
        def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
            raise TaskCancelledError("somebody has cancelled the job")

    @ct.electron(executor=Cancelling())
    def held() -> int:
        return 1

    result = ran(held)
    assert result.status == "CANCELLED"
    assert result.get_node_result(0)["status"] == "CANCELLED"


PLUGIN = """
from covalent.executor import AsyncBaseExecutor

EXECUTOR_PLUGIN_NAME = "Greeting"
_EXECUTOR_PLUGIN_DEFAULTS = {"greeting": "hello"}


class Greeting(AsyncBaseExecutor):
    def __init__(self, greeting="", **settings):
        self.greeting = greeting
        super().__init__(**settings)

    async def run(self, function, args, kwargs, task_metadata):
        return self.greeting, function(*args, **kwargs)
"""


def test_an_executor_of_the_folder(tmp_path: Path) -> None:
    ct.set_config("sdk.executor_dir", str(tmp_path))
    (tmp_path / "greeting.py").write_text(PLUGIN)

    @ct.electron(executor="greeting")
    def double(x: int) -> int:
        return 2 * x

    @ct.electron
    @ct.lattice
    def inner(x: int) -> Any:
        return double(x)

    @ct.lattice
    def outer(x: int) -> Any:
        return double(x), inner(x)

    result = ct.get_result(ct.dispatch(outer)(4), wait=True)
    assert result.result == (("hello", 8), ("hello", 8)), result.error
    metadata = result.lattice.transport_graph.get_node_value(0, "metadata")
    assert metadata["executor"] == "greeting"
    ct.set_config("executors.greeting.greeting", "good evening")
    assert ran(double, 1).result == ("good evening", 2)

    @ct.electron(executor="greting")
    def misspelt() -> int:
        return 1

    with pytest.raises(UnknownExecutor, match="did you mean 'greeting'"):
        ran(misspelt)


def test_an_executor_that_is_installed(tmp_path: Path, own_server: Any) -> None:
    """As pip would install it, for the server's processes and the client's alike."""
    site, config = tmp_path / "site", tmp_path / "config"
    info = site / "covalent_welcome_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    config.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: covalent-welcome-plugin\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[covalent.executor.executor_plugins]\nwelcome = covalent_welcome_plugin.welcome\n"
    )
    package = site / "covalent_welcome_plugin"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "welcome.py").write_text(PLUGIN)
    program = (
        "import covalent as ct\n"
        f"ct.set_config({{'dispatcher.port': {own_server.port}, 'dispatcher.token': {own_server.token!r}}})\n"
        "@ct.electron(executor='welcome')\n"
        "def triple(x): return 3 * x\n"
        "@ct.lattice\n"
        "def flow(x): return triple(x)\n"
        "result = ct.get_result(ct.dispatch(flow)(5), wait=True)\n"
        "print(result.status, result.result, result.error)\n"
    )
    environment = {
        **os.environ,
        "COVALENT_CONFIG_DIR": str(config),
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
    }

    def told() -> str:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    without = told()
    assert "needs module 'covalent_welcome_plugin', which is not installed where it runs" in without
    own_server.stop()
    os.environ["PYTHONPATH"], before = environment["PYTHONPATH"], os.environ.get("PYTHONPATH")
    try:
        own_server.start()
    finally:
        os.environ["PYTHONPATH"] = before or ""
    assert "COMPLETED ('hello', 15) None" in told()
    assert 'greeting = "hello"' in (config / "covalent.conf").read_text()
    environment["COVALENT_PLUGIN_LOAD"] = "false"
    assert "no executor named 'welcome'" in told()
