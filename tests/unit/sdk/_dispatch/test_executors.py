"""Executors of the user's own in a manifest: the object is an asset, and bad ones are refused."""

import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import covalent as ct
from covalent._dispatch.packaging import package
from covalent._workflow.transport import TransportGraph
from covalent_contracts import pickling
from covalent_contracts.errors import InvalidWorkflow, UnknownExecutor, UnpicklableValue
from covalent_contracts.manifest import Manifest, Node


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration and a folder of executors of the test's own."""
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("COVALENT_EXECUTOR_DIR", str(tmp_path / "executors"))
    (tmp_path / "executors").mkdir()
    ct.reload_config()
    return tmp_path / "executors"


class Mine(ct.executor.BaseExecutor):
    SHORT_NAME = "mine"

    def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        return function(*args, **kwargs)


class MineToo(ct.executor.AsyncBaseExecutor):
    async def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any:
        return function(*args, **kwargs)


class Changed(ct.executor.LocalExecutor):
    def setup(self, task_metadata: Any) -> None:
        print("before")


def packaged(*executors: Any, **more: Any) -> Any:
    """The package of a lattice with an electron on each executor."""

    @ct.lattice
    def flow() -> Any:
        return [ct.electron(executor=each)(lambda: 1)() for each in executors]

    flow.build_graph()
    return package(flow, **more)


def electrons(manifest: Manifest) -> list[Node]:
    return [node for node in manifest.nodes if node.kind == "function"]


def unpickled(made: Any, node: Node) -> Any:
    asset = node.own_executor
    assert asset is not None
    data = made.objects[asset.pack or asset.digest]
    return pickling.loads(data[asset.offset : asset.offset + asset.size])


def test_the_object_travels_and_its_settings_do_not() -> None:
    own = Mine(retries=2, time_limit=5)
    own.password = "d0-n0t-te11"  # type: ignore[attr-defined]  # as users do
    made = packaged(own, "local")
    mine, local = electrons(made.manifest)
    assert unpickled(made, mine).password == "d0-n0t-te11"
    assert (mine.needs_sdk, local.own_executor) == (True, None)
    executor = made.manifest.executors[str(mine.executor)]
    assert executor.name == "own"
    assert executor.attributes == {
        "short_name": "mine",
        "type": "Mine",
        "time_limit": 5,
        "retries": 2,
    }
    assert "d0-n0t-te11" not in made.manifest.model_dump_json()


def test_results_name_it_as_its_user_does() -> None:
    manifest = packaged(Mine(), MineToo(), Changed()).manifest
    graph = TransportGraph.from_manifest(manifest)
    names = [graph.get_node_value(each.id, "metadata")["executor"] for each in electrons(manifest)]
    assert names == ["mine", MineToo.short_name(), "local"]


def test_one_object_is_one_asset() -> None:
    own = Mine()
    first, second, other = electrons(packaged(own, own, Mine(retries=1)).manifest)
    assert first.own_executor == second.own_executor != other.own_executor
    assert first.executor == second.executor != other.executor


def test_a_manifest_without_such_executors_is_as_before() -> None:
    document = packaged("local").manifest.model_dump()
    for node in document["nodes"]:
        del node["own_executor"]
    assert Manifest.model_validate(document) == Manifest.model_validate(document)


def test_an_attribute_that_cannot_be_pickled_is_named() -> None:
    own = Mine()
    own.guard = threading.Lock()  # type: ignore[attr-defined]  # as users do
    with pytest.raises(UnpicklableValue, match=r"executor mine of electron .*'guard', a lock"):
        packaged(own)


def test_methods_that_cannot_be_called_are_refused() -> None:
    class Few(ct.executor.BaseExecutor):
        def run(self, function: Any) -> Any:  # type: ignore[override]  # what is refused
            return function()

    class Late(ct.executor.BaseExecutor):
        async def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any: ...

    class Early(ct.executor.AsyncBaseExecutor):
        async def run(self, function: Any, args: Any, kwargs: Any, task_metadata: Any) -> Any: ...

        def setup(self, task_metadata: Any) -> Any: ...

    with pytest.raises(InvalidWorkflow, match=r"Few.*run\(function.*must take function, args"):
        packaged(Few())
    with pytest.raises(InvalidWorkflow, match=r"Late.*run must not be a coroutine.*BaseExecutor"):
        packaged(Late())
    with pytest.raises(InvalidWorkflow, match=r"Early.*setup must be a coroutine.*AsyncBase"):
        packaged(Early())


def test_a_class_without_run_cannot_be_made() -> None:
    class Nothing(ct.executor.BaseExecutor):
        pass

    with pytest.raises(TypeError, match="run"):
        Nothing()  # type: ignore[abstract]  # what is refused


PLUGIN = """
import covalent as ct
class Folder(ct.executor.BaseExecutor):
    _EXECUTOR_PLUGIN_DEFAULTS = {"queue": "short"}
    def run(self, function, args, kwargs, task_metadata):
        return self.queue, function(*args, **kwargs)
"""


def test_a_class_of_the_folder_travels_by_value(folder: Path) -> None:
    (folder / "frontier.py").write_text(PLUGIN)
    made = packaged("frontier")
    (node,) = electrons(made.manifest)
    data = pickling.dumps(unpickled(made, node))
    assert data
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if "frontier" in name}
    try:
        assert unpickled(made, node).run(lambda: 1, [], {}, {}) == ("short", 1)
    finally:
        sys.modules.update(kept)
    assert ct.get_config("executors.frontier") == {"queue": "short"}
    ct.set_config("executors.frontier.queue", "long")
    made = packaged("frontier")
    assert unpickled(made, electrons(made.manifest)[0]).queue == "long"


def test_a_file_that_has_changed_is_loaded_again(folder: Path) -> None:
    (folder / "frontier.py").write_text(PLUGIN)
    packaged("frontier")
    (folder / "frontier.py").write_text(PLUGIN.replace('"short"', '"other"'))
    ct.set_config("executors.frontier", {})
    made = packaged("frontier")
    assert unpickled(made, electrons(made.manifest)[0]).queue == "other"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 / 0", "cannot be loaded: ZeroDivisionError"),
        ("x = 1", "has 0 executors"),
        ("EXECUTOR_PLUGIN_NAME = 'Nobody'", "'Nobody', which is no executor there"),
        (PLUGIN.replace("self, function", "self, *, function"), "must take function"),
        (PLUGIN.replace("def run", "def walk"), "cannot be made .*: TypeError"),
    ],
)
def test_a_broken_file_is_named(folder: Path, text: str, told: str) -> None:
    (folder / "frontier.py").write_text(text)
    with pytest.raises(InvalidWorkflow, match=f"(?s)frontier.*{told}|Folder.*{told}"):
        packaged("frontier")


def test_a_misspelt_name_is_told_the_nearest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "frontier.py").write_text(PLUGIN)
    with pytest.raises(UnknownExecutor, match="'fronteir'; did you mean 'frontier'"):
        packaged("fronteir")
    assert packaged("elsewhere").manifest.executors["elsewhere"].attributes == {}
    monkeypatch.setenv("COVALENT_PLUGIN_LOAD", "false")
    assert "frontier" in packaged("frontier").manifest.executors, "the control plane will refuse it"


def test_a_module_of_the_electrons_own_takes_the_executor_along() -> None:
    module = ModuleType("lent_module")
    exec(PLUGIN, vars(module))
    sys.modules["lent_module"] = module
    try:
        executor = module.Folder()
        hooks = ct.DepsModule(module)

        @ct.lattice
        def flow() -> Any:
            return ct.electron(executor=executor, deps_module=hooks)(lambda: 1)()

        flow.build_graph()
        made = package(flow)
    finally:
        del sys.modules["lent_module"]
    assert unpickled(made, electrons(made.manifest)[0]).queue == "short"


def test_dask_travels_where_there_is_a_cluster() -> None:
    (without,) = electrons(packaged("dask").manifest)
    assert without.own_executor is None
    made = packaged("dask", ct.executor.DaskExecutor("tcp://other:1"), cluster="tcp://here:1")
    near, far = electrons(made.manifest)
    attributes = [made.manifest.executors[str(each.executor)].attributes for each in (near, far)]
    assert [each["scheduler_address"] for each in attributes] == ["tcp://here:1", "tcp://other:1"]
    assert unpickled(made, near).scheduler_address == "", "it may have moved when it is repeated"
    assert unpickled(made, far).scheduler_address == "tcp://other:1"
