"""Parts of a lattice as bytes: pickled once, refused by name, hooks without Covalent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

import covalent as ct
from covalent._dispatch.packaging import Package, package
from covalent_contracts import pickling
from covalent_contracts.errors import InvalidWorkflow, UnpicklableValue

if TYPE_CHECKING:
    from covalent._workflow.lattice import Lattice
    from covalent_contracts.manifest import Asset

Run = Callable[[Package], Any]


def load(made: Package, asset: Asset | None) -> Any:
    assert asset is not None
    return pickling.loads(bytes_of(made, asset))


def bytes_of(made: Package, asset: Asset) -> bytes:
    return made.objects[asset.pack or asset.digest][asset.offset : asset.offset + asset.size]


def packaged(lattice: Lattice, *args: Any, **kwargs: Any) -> Package:
    lattice.build_graph(*args, **kwargs)
    return package(lattice)


@ct.electron
def identity(value: Any) -> Any:
    return value


def test_a_function_is_pickled_once() -> None:
    pickled: list[str] = []

    class Counted:
        __name__ = "counted"

        def __call__(self) -> int:
            return 1

        def __reduce__(self) -> Any:
            pickled.append("once")
            return int, ()

    task = ct.electron(Counted())

    @ct.lattice
    def workflow() -> Any:
        return [task() for _ in range(10)]

    workflow.build_graph()
    package(workflow)
    assert pickled == ["once"] * 2  # and once with the workflow function, which names it


def test_unpicklable_argument_names_electron_and_parameter() -> None:
    @ct.lattice
    def workflow() -> Any:
        return identity(value=threading.Lock())

    with pytest.raises(UnpicklableValue, match=r"argument 'value' of electron identity \(0\)"):
        workflow.build_graph()


def test_unpicklable_argument_of_the_lattice_is_named() -> None:
    @ct.lattice
    def workflow(fine: Any, lock: Any) -> Any:
        return identity(1)

    with pytest.raises(UnpicklableValue, match="argument 'lock' of lattice workflow"):
        workflow.build_graph(1, threading.Lock())


def test_the_electron_that_takes_an_unpicklable_argument_is_named_first() -> None:
    @ct.lattice
    def workflow(lock: Any) -> Any:
        return identity(lock)

    with pytest.raises(UnpicklableValue, match="argument 'value' of electron identity"):
        workflow.build_graph(threading.Lock())


def test_unpicklable_return_value_is_named() -> None:
    @ct.lattice
    def workflow() -> Any:
        return identity(1), threading.Lock()

    with pytest.raises(UnpicklableValue, match="the value that lattice workflow returns"):
        workflow.build_graph()


def test_unpicklable_function_names_the_electron() -> None:
    lock = threading.Lock()

    @ct.electron
    def locked() -> Any:
        return lock

    @ct.lattice
    def workflow() -> Any:
        return locked()

    workflow.build_graph()
    with pytest.raises(UnpicklableValue, match=r"electron locked \(0\)"):
        package(workflow)


def test_an_electron_in_a_closure_is_refused() -> None:
    @ct.lattice
    def workflow() -> Any:
        e = identity(1)

        @ct.electron
        def sneaky() -> Any:
            return e

        return sneaky()

    workflow.build_graph()
    with pytest.raises(InvalidWorkflow, match="pass it to an electron as an argument"):
        package(workflow)


def test_an_electron_hidden_from_pickle_is_refused() -> None:
    class Opaque:
        def __init__(self, held: Any) -> None:
            self.held = held

        def __reduce__(self) -> Any:
            return pickling.loads, (pickling.dumps(self.held),)

    @ct.lattice
    def workflow() -> Any:
        return identity(Opaque(identity(1)))

    with pytest.raises(UnpicklableValue, match="stands for a value that does not exist yet"):
        workflow.build_graph()


def test_hooks_travel_in_order_without_covalent() -> None:
    def note(text: str) -> str:
        return text

    @ct.electron(
        deps_bash="echo bash",
        deps_pip=["numpy"],
        call_before=[
            ct.DepsCall(note, ["x"], retval_keyword="by"),
            ct.DepsBash(["echo 1", "echo 2"]),
            ct.DepsPip("scipy"),
        ],
        call_after=ct.DepsCall(identity, kwargs={"value": 1}),
    )
    def task(by: str = "") -> str:
        return by

    @ct.lattice
    def workflow() -> Any:
        return task()

    made = packaged(workflow)
    assert load(made, made.manifest.nodes[0].hooks).pip == ("numpy", "scipy")
    hooks = load(made, made.manifest.nodes[0].hooks)
    assert hooks.bash == ("echo bash",)
    assert [call.keyword for call in hooks.before] == ["by", "", ""]
    assert [call.args for call in hooks.before] == [("x",), ("echo 1",), ("echo 2",)]
    assert hooks.after[0].kwargs == {"value": 1}
    assert not hasattr(hooks.after[0].function, "electron_object")


def test_modules_travel_by_value(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    (tmp_path / "only_here.py").write_text("def answer():\n    return 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here  # type: ignore[import-not-found]  # written two lines above

    @ct.electron(deps_module=ct.DepsModule("only_here"))
    def task() -> Any:
        return only_here.answer()

    def direct() -> Any:
        return answer()

    answer = only_here.answer
    by_name = ct.electron(deps_module="only_here")(direct)

    @ct.lattice
    def workflow() -> Any:
        return by_name()

    made = packaged(workflow)
    assert b"only_here" in bytes_of(made, _function(made))
    monkeypatch.undo()
    monkeypatch.delitem(__import__("sys").modules, "only_here")
    assert run(made) == 42
    assert task.__name__ == "task"


def _function(made: Package) -> Asset:
    asset = made.manifest.nodes[0].function
    assert asset is not None
    return asset


def _uses_global(value: Any) -> Any:
    return ct.get_context().dispatch_id, value


def _uses_import(value: Any) -> Any:
    from covalent import get_context

    return get_context(), value


def _calls_an_electron(value: Any) -> Any:
    return identity(value)


def _plain(value: Any) -> Any:
    return f"covalent bonds: {value}"


@pytest.mark.parametrize(
    ("function", "expected"),
    [(_uses_global, True), (_uses_import, True), (_calls_an_electron, True), (_plain, False)],
)
def test_what_names_covalent_runs_where_the_sdk_is(
    function: Callable[..., Any], expected: bool
) -> None:
    function.__module__ = "__main__"  # as in a script
    made = packaged(ct.lattice(lambda: ct.electron(function)(1)))
    assert made.manifest.nodes[0].needs_sdk is expected


def test_hooks_that_name_covalent_too() -> None:
    _uses_global.__module__ = "__main__"
    made = packaged(
        ct.lattice(lambda: ct.electron(call_before=ct.DepsCall(_uses_global))(_plain)(1))
    )
    assert made.manifest.nodes[0].needs_sdk
