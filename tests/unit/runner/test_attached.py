"""What code in an electron leaves beside its output is kept with the electron, wherever it ran."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from covalent_contracts import attachments, keys, pickling
from covalent_contracts.attachments import Attachments
from covalent_contracts.hooks import Call, Hooks
from covalent_contracts.ids import digest_of
from covalent_runner.around import names_covalent
from covalent_runner.errors import ElectronFailed

from .conftest import DISPATCH_ID, Dispatch

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no other process can import the tests


def leave(*texts: str) -> int:
    """What code that is part of Covalent does."""
    from covalent_contracts import attachments

    collector = attachments.collector()
    for text in texts:
        if collector is not None:
            collector.add("texts", text.encode())
    return len(texts)


def leave_and_fail(text: str) -> None:
    leave(text)
    raise ValueError("afterwards")


def left(dispatch: Dispatch) -> list[str]:
    key = dispatch.item(0)["attachments_key"]
    data = dispatch.object(key)
    assert key == keys.attachments(DISPATCH_ID, 0, digest_of(data))
    return [each.decode() for each in Attachments.load(data).found["texts"]]


def test_it_becomes_an_object_of_the_node(dispatch: Dispatch) -> None:
    assert dispatch.call(leave, "one", "two") == 2
    assert left(dispatch) == ["one", "two"]


def test_what_leaves_nothing_has_none(dispatch: Dispatch) -> None:
    dispatch.call(leave)
    assert "attachments_key" not in dispatch.item(0)
    assert attachments.collector() is None


def test_a_failed_electron_keeps_what_came_before(dispatch: Dispatch) -> None:
    with pytest.raises(ElectronFailed):
        dispatch.call(leave_and_fail, "before")
    assert (dispatch.status(0), left(dispatch)) == ("FAILED", ["before"])


def test_the_last_try_counts(dispatch: Dispatch, tmp_path: Path) -> None:
    def second_time_lucky(folder: str) -> None:
        from pathlib import Path

        tries = len(list(Path(folder).iterdir()))
        leave(f"try {tries}")
        if not tries:
            Path(folder, "tried").touch()
            raise ValueError("not yet")

    with pytest.raises(ElectronFailed):
        dispatch.call(second_time_lucky, str(tmp_path), retries=1)
    assert left(dispatch) == ["try 0"]
    dispatch.run(0, attempt=1)
    assert (dispatch.status(0), left(dispatch)) == ("COMPLETED", ["try 1"])


def test_a_thread_of_the_electron_may_leave_something(dispatch: Dispatch) -> None:
    def threaded() -> None:
        thread = threading.Thread(target=leave, args=("from a thread",))
        thread.start()
        thread.join()

    dispatch.call(threaded)
    assert left(dispatch) == ["from a thread"]


class InAnotherProcess:
    """An executor of a user's own: it pickles the function, and a program elsewhere calls it."""

    python = (sys.executable,)

    def execute(
        self,
        function: Any,
        args: Any,
        kwargs: Any,
        dispatch_id: str,
        results_dir: str,
        node_id: int,
    ) -> Any:
        program = (
            "import cloudpickle, sys\n"
            "function, args, kwargs = cloudpickle.load(sys.stdin.buffer)\n"
            "try: found = function(*args, **kwargs)\n"
            "except Exception as exc: found = exc\n"
            "sys.stdout.buffer.write(cloudpickle.dumps(found))"
        )
        done = subprocess.run(
            [*self.python, "-c", program],
            input=cloudpickle.dumps((function, args, kwargs)),
            stdout=subprocess.PIPE,
            check=True,
        )
        found = cloudpickle.loads(done.stdout)
        if isinstance(found, Exception):
            raise found
        return found


class Here(InAnotherProcess):
    def execute(self, function: Any, args: Any, kwargs: Any, *more: Any, **named: Any) -> Any:
        return function(*args, **kwargs)


@pytest.mark.parametrize("kind", [InAnotherProcess, Here])
@pytest.mark.parametrize("hooks", [None, Hooks(before=[Call(leave, ("before",))])])
def test_it_comes_back_from_where_an_executor_runs_it(
    dispatch: Dispatch, kind: Any, hooks: Hooks | None
) -> None:
    assert dispatch.call(leave, "there", executor=dispatch.asset(kind()), hooks=hooks) == 1
    assert left(dispatch) == (["before"] if hooks else []) + ["there"]


def test_it_comes_back_with_an_exception(dispatch: Dispatch) -> None:
    with pytest.raises(ElectronFailed, match="ValueError"):
        dispatch.call(leave_and_fail, "before", executor=dispatch.asset(InAnotherProcess()))
    assert dispatch.error(0).endswith("ValueError: afterwards")
    assert left(dispatch) == ["before"]


def imports() -> Any:
    import covalent.executor

    return covalent.executor


def imports_whole() -> Any:
    import covalent as ct

    return ct


def says() -> str:
    return "covalent is a kind of bond"


@pytest.mark.parametrize(
    ("function", "expected"), [(imports, True), (imports_whole, True), (leave, True), (says, False)]
)
def test_what_names_covalent(function: Any, expected: bool) -> None:
    assert names_covalent(pickling.dumps(function)) is expected
