"""QCluster: which executor runs a circuit, and results in the order of the circuits."""

import base64
import copy
import inspect
import json
import pickle
from collections.abc import Sequence
from typing import Any

import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sdk.quantum.doubles import Counting, Echo, Slow

import covalent as ct
from covalent._quantum.cluster import QCluster


def run(cluster: QCluster, circuits: Sequence[Any]) -> list[Any]:
    return cluster.batch_get_results(cluster.batch_submit(circuits))


def of(*labels: str, selector: Any = "cyclic") -> QCluster:
    return QCluster(executors=[Echo(label=each) for each in labels], selector=selector)


def test_cyclic_is_the_default_and_goes_on_over_batches() -> None:
    cluster = of("a", "b", "c")
    first, second = run(cluster, [1, 2]), run(cluster, [3, 4])
    assert [label for label, _ in [*first, *second]] == ["a", "b", "c", "a"]


def test_a_bound_copy_goes_on_where_the_cluster_is() -> None:
    cluster = of("a", "b")
    assert run(cluster.bound(qnode_device_wires=1), [1]) == [("a", 1)]
    assert run(cluster.bound(qnode_device_wires=1), [1]) == [("b", 1)]


def test_binding_reaches_every_executor_and_leaves_the_originals() -> None:
    cluster = of("a", "b")
    bound = cluster.bound({"mcm_method": "deferred"}, qnode_device_wires=3, qnode_device_shots=7)
    assert [each.qnode_device_wires for each in bound.executors] == [3, 3]
    assert bound.qnode_device_shots == 7
    assert [each.qnode_device_wires for each in cluster.executors] == [None, None]


def test_random_chooses_every_executor_sooner_or_later() -> None:
    labels = "".join(label for label, _ in run(of("a", "b", selector="random"), range(200)))
    assert set(labels) == {"a", "b"}
    assert "aa" in labels, "they do not take turns"
    assert "bb" in labels


class Differentiating(Echo):
    """Has an adjoint method, for circuits that it is told of."""

    device: str = "default.qubit"
    can: tuple[Any, ...] = ()

    def gives_adjoint(self, qscript: Any) -> bool:
        return qscript in self.can

    def batch_submit_derivatives(self, qscripts_list: Sequence[Any]) -> list[Any]:
        return self.batch_submit([f"derivative of {each}" for each in qscripts_list])


def test_derivatives_are_those_of_all_executors_on_one_kind_of_device() -> None:
    one, two = Differentiating(label="a", can=(1, 2)), Differentiating(label="b", can=(1,))
    cluster = QCluster(executors=[one, two])
    assert [cluster.gives_adjoint(each) for each in (1, 2, 3)] == [True, False, False]
    other = Differentiating(can=(1,), device="lightning.qubit")
    assert not QCluster(executors=[one, other]).gives_adjoint(1)
    found = cluster.batch_get_results(cluster.batch_submit_derivatives([1, 1]))
    assert found == [("a", "derivative of 1"), ("b", "derivative of 1")]


def test_executors_without_an_adjoint_method_say_so() -> None:
    cluster = of("a")
    assert not cluster.gives_adjoint(1)
    with pytest.raises(
        NotImplementedError, match="Echo has no adjoint method: use parameter-shift"
    ):
        cluster.batch_submit_derivatives([1])


@given(st.lists(st.integers(0, 3), max_size=20))
def test_results_are_in_the_order_of_the_circuits(circuits: list[int]) -> None:
    cluster = of("0", "1", "2", "3", selector=lambda circuit, executors: executors[circuit])
    assert run(cluster, circuits) == [(str(each), each) for each in circuits]


def test_each_executor_gets_its_own_circuits_at_once() -> None:
    cluster = QCluster(executors=[Counting(label="a"), Echo(label="b")])
    assert run(cluster, [1, 2, 3]) == [(2, "a", 1), ("b", 2), (2, "a", 3)]


def test_a_future_tells_who_ran_it_also_through_inner_clusters() -> None:
    inner, alone = of("a"), Echo(label="b")
    cluster = QCluster(executors=[inner, alone])
    ran = [cluster.ran_by(each) for each in cluster.batch_submit([1, 2])]
    assert ran == [inner.executors[0], alone]


@pytest.mark.parametrize("returned", [[Echo(), Echo()], None, "cyclic", [Echo()]])
def test_a_selector_must_return_exactly_one_executor(returned: Any) -> None:
    cluster = of("a", "b", selector=lambda circuit, executors: returned)
    with pytest.raises(ValueError, match=r"selector=.*must return exactly one quantum executor"):
        cluster.batch_submit([1])


def too_few(circuit: Any) -> Any:
    return circuit


def too_many(circuit: Any, executors: Any, more: Any) -> Any:
    return more


def by_name(circuit: Any, *, executors: Any) -> Any:
    return executors


@pytest.mark.parametrize("selector", [too_few, too_many, by_name])
def test_a_selector_takes_two_positional_arguments(selector: Any) -> None:
    with pytest.raises(ValueError, match="two positional arguments, a circuit and a list"):
        of("a", selector=selector)


def test_a_selector_that_does_not_tell_its_parameters_is_tried() -> None:
    with pytest.raises(ValueError, match="no signature"):
        inspect.signature(max)
    assert QCluster(executors=[Echo(label="a")], selector=max).selector is max


@pytest.mark.parametrize("selector", ["cyclical", 3, None])
def test_a_selector_is_a_name_or_a_callable(selector: Any) -> None:
    with pytest.raises(ValueError, match="selector"):
        of("a", selector=selector)


def test_an_empty_cluster_is_refused() -> None:
    with pytest.raises(ValueError, match="executors is empty"):
        QCluster(executors=[])


def test_executors_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="executors"):
        QCluster(executors=["Simulator"])  # type: ignore[list-item]  # what users may write


def test_a_selector_is_serialized_and_back() -> None:
    last = 1
    cluster = of("a", "b", selector=lambda circuit, executors: executors[last])
    cluster.serialize_selector()
    assert isinstance(cluster.selector, str)
    assert run(cluster, [1]) == [("b", 1)], "it also selects while it is serialized"
    made = cluster.deserialize_selector()
    assert callable(made)
    assert callable(cluster.selector)
    assert run(cluster, [1]) == [("b", 1)]


@pytest.mark.parametrize("name", ["cyclic", "random"])
def test_names_need_no_serialization(name: str) -> None:
    cluster = of("a", selector=name)
    cluster.serialize_selector()
    assert cluster.selector == cluster.deserialize_selector() == name
    assert run(cluster, [1]) == [("a", 1)]


def test_a_serialized_selector_passes_the_check_again() -> None:
    cluster = of("a", "b", selector=lambda circuit, executors: executors[-1])
    cluster.serialize_selector()
    again = QCluster(executors=cluster.executors, selector=cluster.selector)
    assert run(again, [1]) == [("b", 1)]


def test_dict_has_hashable_executors() -> None:
    values = of("a", "b").dict()
    assert hash(values["executors"]) == hash(of("a", "b").dict()["executors"])
    assert values["executors"] != of("a", "c").dict()["executors"]
    assert values["selector"] == "cyclic"


def test_a_cluster_travels() -> None:
    cluster = of("a", "b", selector=lambda circuit, executors: executors[-1])
    assert run(cloudpickle.loads(cloudpickle.dumps(cluster)), [1]) == [("b", 1)]
    assert run(pickle.loads(pickle.dumps(of("a"))), [1]) == [("a", 1)]


def test_the_schema_names_what_the_reference_names() -> None:
    schema = QCluster.model_json_schema()
    assert schema["required"] == ["executors"]
    assert schema["properties"]["device"]["default"] == "default.qubit"
    assert "BaseQExecutor" in schema["$defs"]


def test_a_serialized_selector_may_have_captured_an_executor() -> None:
    first, second = Echo(label="a"), Echo(label="b")
    cluster = QCluster(
        executors=[first, second], selector=lambda circuit, executors: (first, second)[circuit]
    )
    cluster.serialize_selector()
    assert run(cluster, [1, 0]) == [("b", 1), ("a", 0)]
    assert run(cluster.bound(qnode_device_wires=2), [1]) == [("b", 1)]

    there = pickle.loads(pickle.dumps(cluster))
    assert run(there, [1, 0]) == [("b", 1), ("a", 0)]
    there.deserialize_selector()
    assert run(there, [1]) == [("b", 1)]


def test_executors_of_a_serialized_selector_are_those_of_the_cluster() -> None:
    twins = [Echo(), Echo()]
    cluster = QCluster(executors=twins, selector=lambda circuit, executors: twins[circuit])
    cluster.serialize_selector()
    assert cluster.choose([1])[0] is twins[1], "not the first of its like"


def test_what_a_serialized_selector_has_captured_is_not_in_its_text() -> None:
    ibm = ct.executor.IBMQExecutor(ibmqx_token="abc-123")
    cluster = QCluster(executors=[ibm], selector=lambda circuit, executors: ibm)
    assert b"abc-123" not in base64.b64decode(
        json.loads(cluster.model_dump_json())["selector"].partition(":")[2]
    )


def test_a_selector_of_a_module_has_copies_of_its_executors() -> None:
    elsewhere = Echo(label="b")
    cluster = QCluster(
        executors=[Echo(label="a"), Echo(label="b")],
        selector=lambda circuit, executors: elsewhere,
    )
    assert run(cluster, [1]) == [("b", 1)]
    assert run(cluster.bound(qnode_device_wires=2), [1]) == [("b", 1)]
    assert run(copy.deepcopy(cluster), [1]) == [("b", 1)]


def test_an_executor_of_other_settings_is_refused() -> None:
    cluster = of("a", selector=lambda circuit, executors: Echo(label="c"))
    cluster.serialize_selector()
    with pytest.raises(ValueError, match=r"selector=a function of QCluster .*not in the cluster"):
        cluster.batch_submit([1])


@pytest.mark.parametrize("circuits", [["goes on", "fails"], ["fails", "goes on"]])
def test_a_failure_on_one_executor_gives_up_the_circuits_of_all(circuits: list[str]) -> None:
    executors = [Slow(), Slow()]
    cluster = QCluster(executors=executors)
    futures = cluster.batch_submit(circuits)
    with pytest.raises(ZeroDivisionError):
        cluster.batch_get_results(futures)
    assert futures[circuits.index("goes on")].cancelled()
    assert all(each.given_up for each in executors)


def test_an_executor_that_waits_in_its_own_way_is_waited_for() -> None:
    class Polling(Slow):
        def batch_get_results(self, futures_list: Sequence[Any]) -> list[Any]:
            for each in futures_list:
                each.set_result("polled")
            return super().batch_get_results(futures_list)

    made = QCluster(executors=[Polling(), Echo(label="b")])
    assert run(made, [1, 2]) == ["polled", ("b", 2)]


def test_a_cluster_hands_on_what_is_given_up_to_the_owners() -> None:
    executors = [Slow(), Slow()]
    outer = QCluster(executors=[QCluster(executors=[executors[0]]), executors[1]])
    futures = outer.batch_submit([1, 2, 3])
    outer.give_up(futures)
    assert [each.given_up for each in executors] == [[[futures[0], futures[2]]], [[futures[1]]]]


def test_a_circuit_that_cannot_be_submitted_gives_up_those_that_were() -> None:
    class Refusing(Echo):
        def batch_submit(self, qscripts_list: Sequence[Any]) -> Any:
            raise ZeroDivisionError("no token")

    first = Slow()
    with pytest.raises(ZeroDivisionError):
        QCluster(executors=[first, Refusing()]).batch_submit([1, 2])
    ((future,),) = first.given_up
    assert future.cancelled()
