"""Whole workflows, from the decorator to the result, on the embedded AWS."""

import collections
import subprocess
import sys
from typing import Any

import cloudpickle
import pytest
from tests.running import Server

import covalent as ct

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests

pytestmark = pytest.mark.usefixtures("server")

Pair = collections.namedtuple("Pair", "left right")  # users have such


@ct.electron
def add(a: Any, b: Any) -> Any:
    return a + b


@ct.electron
def identity(value: Any) -> Any:
    return value


def run(lattice: Any, *args: Any, **kwargs: Any) -> Any:
    return ct.get_result(ct.dispatch(lattice)(*args, **kwargs), wait=True)


def test_a_chain_gives_its_value() -> None:
    @ct.lattice
    def workflow(x: int) -> Any:
        return add(add(x, 1), 2)

    result = run(workflow, 5)
    assert result.status == "COMPLETED"
    assert result.result == 8
    assert result.error is None
    assert result.inputs == {"args": (5,), "kwargs": {}}
    assert result.start_time <= result.end_time


def test_every_keyword_of_get_result(server: Server) -> None:
    @ct.lattice
    def workflow(x: int) -> Any:
        return add(identity(x), 1)

    dispatch_id = ct.dispatch(workflow)(5)
    ct.get_result(dispatch_id, wait=True)
    assert ct.get_result(dispatch_id, status_only=True) == {
        "id": dispatch_id,
        "status": "COMPLETED",
    }
    here = f"localhost:{server.port}"
    lean = ct.get_result(
        dispatch_id=dispatch_id,
        wait=False,
        dispatcher_addr=here,
        status_only=False,
        workflow_output=False,
        intermediate_outputs=False,
        sublattice_results=False,
    )
    assert lean.result == 6
    assert lean.dispatch_id == lean.root_dispatch_id == dispatch_id
    assert lean.lattice.__name__ == "workflow"
    assert lean.encoded_result.get_deserialized() == 6
    assert lean.post_process() == 6
    outputs = lean.get_all_node_outputs()
    assert [each.get_deserialized() for each in outputs.values() if each is not None]
    assert dispatch_id in str(lean)


def test_numbering_and_node_results() -> None:
    @ct.lattice
    def workflow() -> Any:
        return identity(add(a=1, b=2))

    result = run(workflow)
    nodes = result.get_all_node_results()
    assert [node["node_name"] for node in nodes] == [
        *("add", ":parameter:1", ":parameter:2", "identity", ":postprocess:reconstruct")
    ]
    assert {node["status"] for node in nodes} == {"COMPLETED"}
    assert nodes[0]["output"].get_deserialized() == 3
    assert nodes[1]["output"].get_deserialized() == 1
    assert nodes[0]["end_time"] <= nodes[3]["start_time"]


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        [1, (2, 3)],
        {"a": {1, 2}},
        Pair(1, [2]),
        None,
        b"x",
        "text",
        collections.OrderedDict(a=1),
    ],
)
def test_plain_values_keep_their_type(value: Any) -> None:
    @ct.lattice
    def workflow(v: Any) -> Any:
        return identity(v)

    result = run(workflow, value)
    assert result.result == value
    assert type(result.result) is type(value)


def test_containers_of_electrons_keep_their_type() -> None:
    @ct.lattice
    def workflow() -> Any:
        one, two = identity(1), identity(2)
        return {
            "tuple": identity((one, two)),
            "named": identity(Pair(one, [two, 7])),
            "mapping": identity({"k": one, "deep": {"t": (two,)}}),
            "returned": (one, [two, 9]),
        }

    assert run(workflow).result == {
        "tuple": (1, 2),
        "named": Pair(1, [2, 7]),
        "mapping": {"k": 1, "deep": {"t": (2,)}},
        "returned": (1, [2, 9]),
    }


def test_deferred_operations_ride_along(server: Server) -> None:
    @ct.lattice
    def workflow() -> Any:
        data = identity({"xs": [10, 20, 30], "n": 4})
        first, second = identity((1, 2))
        key = identity("n")
        return [data["xs"][1], first + second * 3, data[key] ** 2, -first, 2**second, data["n"] % 3]

    result = run(workflow)
    assert result.result == [20, 7, 16, -1, 4, 1]
    assert all(node["status"] == "COMPLETED" for node in result.get_all_node_results())


def test_attributes_of_an_output() -> None:
    @ct.lattice
    def workflow() -> Any:
        return identity(3 + 4j).imag

    assert run(workflow).result == 4.0


def test_a_plain_return_value_and_none() -> None:
    @ct.lattice
    def ten(x: int) -> Any:
        return x * 10

    @ct.lattice
    def nothing() -> None:
        identity(1)

    assert run(ten, 3).result == 30
    assert run(nothing).result is None


def test_the_n_shape_needs_a_gate_and_keeps_its_order() -> None:
    @ct.lattice
    def workflow() -> Any:
        a, b = identity(1), identity(2)
        c = add(a, 10)
        d = add(a, b)
        return c, d

    assert run(workflow).result == (11, 3)


def test_a_wide_collector() -> None:
    @ct.electron
    def total(values: list[int]) -> int:
        return sum(values)

    @ct.lattice
    def workflow(n: int) -> Any:
        return total([identity(i) for i in range(n)])

    assert run(workflow, 60).result == sum(range(60))


def test_waiting_edges_order_side_effects(tmp_path: Any) -> None:
    @ct.electron
    def write(path: str) -> None:
        with open(path, "w") as file:  # noqa: PTH123
            file.write("there")

    @ct.electron
    def read(path: str) -> Any:
        with open(path) as file:  # noqa: PTH123
            return file.read()

    @ct.lattice
    def workflow(path: str) -> Any:
        written = write(path)
        return ct.wait(read(path), [written]), read(path).wait_for(written)

    assert run(workflow, str(tmp_path / "file")).result == ("there", "there")


def test_a_failure_stops_its_descendants_only() -> None:
    @ct.electron
    def boom(x: int) -> int:
        print("about to fail")
        raise ValueError(f"no {x}")

    @ct.lattice
    def workflow() -> Any:
        failed = boom(1)
        after = add(failed, 1)
        other = add(identity(5), 6)
        return add(after, other)

    result = run(workflow)
    assert result.status == "FAILED"
    assert result.result is None
    by_name = collections.defaultdict(list)
    for node in result.get_all_node_results():
        by_name[node["node_name"]].append(node)
    [failed] = by_name["boom"]
    assert failed["status"] == "FAILED"
    assert failed["output"] is None
    assert "ValueError: no 1" in failed["error"]
    assert 'raise ValueError(f"no {x}")' in failed["error"]
    assert failed["stdout"] == "about to fail\n"
    assert [node["status"] for node in by_name["add"]] == ["NEW_OBJECT", "COMPLETED", "NEW_OBJECT"]
    assert "boom" in result.error
    assert "ValueError: no 1" in result.error


def test_a_failed_parent_in_another_branch_releases_the_gate() -> None:
    @ct.electron
    def boom() -> int:
        raise RuntimeError("broken")

    @ct.lattice
    def workflow() -> Any:
        a, b = boom(), identity(2)
        c = add(b, 10)
        d = add(a, b)
        e = add(d, c)
        return c, e

    result = run(workflow)
    assert result.status == "FAILED"
    states = {n["node_id"]: (n["node_name"], n["status"]) for n in result.get_all_node_results()}
    ran = [status for name, status in states.values() if name == "add"]
    assert ran == ["COMPLETED", "NEW_OBJECT", "NEW_OBJECT"]


def test_a_worker_that_dies_is_named_as_the_cause() -> None:
    @ct.electron
    def die() -> None:
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)

    @ct.lattice
    def workflow() -> Any:
        return add(die(), identity(1))

    result = run(workflow)
    assert result.status == "FAILED"
    assert "die" in result.error
    assert "killed" in result.get_node_result(0)["error"].lower()


def test_a_time_limit_ends_the_electron() -> None:
    @ct.electron(executor=ct.executor.LocalExecutor(time_limit=1))
    def forever() -> None:
        import threading

        threading.Event().wait()

    @ct.lattice
    def workflow() -> Any:
        return forever()

    result = run(workflow)
    assert result.status == "FAILED"
    assert "time limit" in result.get_node_result(0)["error"].lower()


def test_retries_try_again(tmp_path: Any) -> None:
    @ct.electron(executor=ct.executor.LocalExecutor(retries=2))
    def flaky(path: str) -> int:
        from pathlib import Path

        tries = len(list(Path(path).iterdir()))
        (Path(path) / str(tries)).touch()
        if tries < 2:
            raise OSError("try again")
        return tries

    @ct.lattice
    def workflow(path: str) -> Any:
        return flaky(path)

    assert run(workflow, str(tmp_path)).result == 2


def test_streams_of_child_processes_are_captured() -> None:
    @ct.electron
    def loud() -> None:
        print("from python")
        print("to stderr", file=sys.stderr)
        sys.stdout.flush()
        subprocess.run(["echo", "from a child"], check=True)

    @ct.lattice
    def workflow() -> Any:
        return loud()

    node = run(workflow).get_node_result(0)
    assert node["stdout"] == "from python\nfrom a child\n"
    assert node["stderr"] == "to stderr\n"


def test_hooks_run_in_the_documented_order() -> None:
    def before() -> int:
        print("before")
        return 5

    @ct.electron(
        deps_bash=ct.DepsBash(["echo bash"]),
        call_before=[ct.DepsCall(before, retval_keyword="injected")],
        call_after=[ct.DepsCall(print, args=["after"])],
    )
    def body(x: int, injected: int = 0) -> int:
        print("body")
        return x + injected

    @ct.lattice
    def workflow() -> Any:
        return body(1)

    result = run(workflow)
    assert result.result == 6
    assert result.get_node_result(0)["stdout"] == "bash\nbefore\nbody\nafter\n"


def test_electrons_have_directories_of_their_own() -> None:
    @ct.electron
    def leave_a_file() -> str:
        from pathlib import Path

        Path("mine.txt").write_text("x")
        return str(Path.cwd())

    @ct.electron
    def look(_: str) -> list[str]:
        from pathlib import Path

        return [path.name for path in Path().iterdir()]

    @ct.lattice
    def workflow() -> Any:
        here = leave_a_file()
        return here, look(here)

    folder, seen = run(workflow).result
    assert seen == []
    assert "electron" in folder


def test_the_context_knows_dispatch_and_node() -> None:
    @ct.electron
    def who() -> Any:
        context = ct.get_context()
        return context.dispatch_id, context.node_id

    @ct.lattice
    def workflow() -> Any:
        return identity(0), who()

    result = run(workflow)
    assert result.result[1] == (result.dispatch_id, 2)


def test_an_unpicklable_return_value_fails_its_electron() -> None:
    @ct.electron
    def lock() -> Any:
        import threading

        return threading.Lock()

    @ct.lattice
    def workflow() -> Any:
        return lock()

    result = run(workflow)
    assert result.status == "FAILED"
    assert "lock" in result.get_node_result(0)["error"]


def test_large_values_travel_by_object() -> None:
    @ct.electron
    def big(n: int) -> bytes:
        return bytes(n)

    @ct.electron
    def length(data: bytes) -> int:
        return len(data)

    @ct.lattice
    def workflow(n: int, given: bytes) -> Any:
        return length(big(n)), length(given)

    assert run(workflow, 3_000_000, bytes(2_000_000)).result == (3_000_000, 2_000_000)


def _machines(states: Any) -> list[dict[str, Any]]:
    pages = states.get_paginator("list_state_machines").paginate()
    return [machine for page in pages for machine in page["stateMachines"]]


def test_a_hundred_dispatches_make_one_machine(server: Server) -> None:
    @ct.lattice
    def counted_once(x: int) -> Any:
        return add(identity(x), 1)

    states = server.client("stepfunctions")
    before = {machine["name"] for machine in _machines(states)}
    ids = [ct.dispatch(counted_once)(i) for i in range(100)]
    results = [ct.get_result(dispatch_id, wait=True).result for dispatch_id in ids]
    assert results == [i + 1 for i in range(100)]
    new = [each for each in _machines(states) if each["name"] not in before]
    assert len(new) <= 1  # an earlier test may have made the same shape
    arns = {server.execution(ids[0]).rsplit(":", 1)[0], server.execution(ids[99]).rsplit(":", 1)[0]}
    assert len(arns) == 1
