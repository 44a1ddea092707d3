from collections.abc import Callable, Iterable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.manifest import Manifest
from covalent_step_functions.graph import graph_of
from covalent_step_functions.hosting import Needs

Build = Callable[..., Manifest]


def test_electrons_wait_for_their_parents(manifest: Build) -> None:
    graph = graph_of(manifest([(0, 1), (0, 2), (1, 2), (0, 2)]))
    assert graph.order == (0, 1, 2)
    assert graph.parents == {0: (), 1: (0,), 2: (0, 1)}
    assert graph.children == {0: (1, 2), 1: (2,), 2: ()}
    assert graph.needs[2] == Needs((), (0, 1), ())


def test_a_circle_is_refused_by_name(manifest: Build) -> None:
    posted = manifest([(0, 1), (1, 2), (2, 1)], names={1: "fit", 2: "score"})
    with pytest.raises(InvalidWorkflow, match=r"fit \(1\)") as caught:
        graph_of(posted)
    assert "score (2)" in str(caught.value)
    assert "(0)" not in str(caught.value)


def test_an_electron_that_needs_itself_is_a_circle(manifest: Build) -> None:
    with pytest.raises(InvalidWorkflow, match="circle"):
        graph_of(manifest([(0, 0)]))


def test_a_circle_through_light_nodes_is_refused(manifest: Build) -> None:
    with pytest.raises(InvalidWorkflow, match="circle"):
        graph_of(manifest([(0, 1), (1, 0)], kinds={1: "item"}))


def test_wait_edges_order_without_data(manifest: Build) -> None:
    graph = graph_of(manifest([(0, 2), (1, 2, "wait"), (0, 2, "wait")]))
    assert graph.parents[2] == (0, 1)
    assert graph.needs[2] == Needs((), (0,), (1,))


def test_collections_and_parameters_are_resolved_by_their_consumer(manifest: Build) -> None:
    kinds = {1: "collection", 2: "parameter", 3: "collection"}
    graph = graph_of(manifest([(0, 1), (2, 1), (1, 3), (3, 4)], kinds=kinds))
    assert graph.order == (0, 4)
    assert graph.parents[4] == (0,)
    assert graph.needs[4] == Needs((2, 1, 3), (0,), ())
    assert graph.after == {}


def test_a_value_made_of_one_electron_rides_behind_it(manifest: Build) -> None:
    """f0[k].x, with k a constant; f4 reads the attribute."""
    kinds = {1: "parameter", 2: "item", 3: "attribute"}
    graph = graph_of(manifest([(0, 2), (1, 2), (2, 3), (3, 4)], kinds=kinds))
    assert graph.order == (0, 4)
    assert graph.after == {0: (1, 2, 3)}
    assert graph.parents[4] == (0,)
    assert graph.needs[4] == Needs((), (3,), ())


def test_a_value_made_of_two_electrons_rides_before_each_consumer(manifest: Build) -> None:
    edges = [(0, 2), (1, 2), (2, 3), (2, 4)]
    graph = graph_of(manifest(edges, kinds={2: "operator"}))
    assert graph.order == (0, 1, 3, 4)
    for consumer in (3, 4):
        assert graph.needs[consumer] == Needs((2,), (0, 1), ())
        assert graph.parents[consumer] == (0, 1)


def test_a_value_that_nobody_can_host_is_promoted(manifest: Build) -> None:
    """(f0 + f1)[0]: the sum becomes a state, the item rides behind it."""
    graph = graph_of(manifest([(0, 2), (1, 2), (2, 3)], kinds={2: "operator", 3: "item"}))
    assert graph.order == (0, 1, 2)
    assert graph.parents[2] == (0, 1)
    assert graph.after == {2: (3,)}


def test_a_value_made_of_no_electron_is_promoted(manifest: Build) -> None:
    """Only a wait edge leads from operator 1 to what is read: whoever reads node 2 would not evaluate 1."""
    kinds = {1: "operator", 2: "item"}
    graph = graph_of(manifest([(0, 2), (1, 2, "wait"), (2, 3)], kinds=kinds))
    assert graph.order == (0, 1, 3)
    assert graph.needs[3] == Needs((2,), (0,), (1,))


def test_a_promoted_value_evaluates_what_others_host(manifest: Build) -> None:
    """s = f0 + f1 goes to f3; s[0] is returned. Waiting for f3 would add order."""
    edges = [(0, 2), (1, 2), (2, 3), (2, 4)]
    graph = graph_of(manifest(edges, kinds={2: "operator", 4: "item"}))
    assert graph.parents[4] == (0, 1)
    assert graph.needs[4] == Needs((2,), (0, 1), ())


def test_waiting_for_a_light_node_waits_for_its_host(manifest: Build) -> None:
    graph = graph_of(manifest([(0, 1), (1, 2, "wait")], kinds={1: "item"}))
    assert graph.parents[2] == (0,)
    assert graph.needs[2] == Needs((), (), (1,))


def test_waiting_for_a_value_of_two_electrons_evaluates_it(manifest: Build) -> None:
    edges = [(0, 2), (1, 2), (2, 3, "wait")]
    graph = graph_of(manifest(edges, kinds={2: "operator"}))
    assert graph.needs[3] == Needs((2,), (0, 1), ())


def test_waiting_for_a_collection_reads_nothing(manifest: Build) -> None:
    edges = [(0, 2), (1, 2), (2, 3, "wait")]
    graph = graph_of(manifest(edges, kinds={2: "collection"}))
    assert graph.needs[3] == Needs((), (), (0, 1))


def test_a_light_node_that_must_wait_is_not_evaluated_early(manifest: Build) -> None:
    """f0[0] after f1: it cannot ride behind f0, and its consumer waits for f1 too."""
    edges = [(0, 2), (1, 2, "wait"), (2, 3)]
    graph = graph_of(manifest(edges, kinds={2: "item"}))
    assert graph.after == {}
    assert graph.needs[3] == Needs((2,), (0,), (1,))


def test_the_postprocess_node_orders_nothing(manifest: Build) -> None:
    edges = [(0, 2, "wait"), (1, 2, "wait")]
    graph = graph_of(manifest(edges, kinds={2: "postprocess"}))
    assert graph.order == (0, 1)
    assert graph.children == {0: (), 1: ()}


KINDS = st.sampled_from(["function"] * 3 + ["item", "operator", "collection", "parameter"])


@st.composite
def posted(draw: st.DrawFn) -> tuple[list[tuple[int, int, str]], dict[int, str]]:
    kinds = dict(enumerate(draw(st.lists(KINDS, min_size=1, max_size=14))))
    pairs = [(i, j) for j in kinds for i in range(j) if kinds[j] != "parameter"]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []
    return [(i, j, draw(st.sampled_from(["arg", "arg", "wait"]))) for i, j in chosen], kinds


def ancestors(direct: Mapping[int, Iterable[int]], nodes: Iterable[int]) -> dict[int, set[int]]:
    """For ids that grow along the order."""
    found: dict[int, set[int]] = {}
    for node in nodes:
        found[node] = {one for each in direct[node] for one in {each} | found[each]}
    return found


@settings(max_examples=300, deadline=None)
@given(drawn=posted())
def test_hosting_neither_adds_nor_loses_order(
    drawn: tuple[list[tuple[int, int, str]], dict[int, str]], manifest: Build
) -> None:
    edges, kinds = drawn
    graph = graph_of(manifest(edges, len(kinds), kinds=kinds))
    direct = {node: {a for a, b, _ in edges if b == node} for node in kinds}
    through = ancestors(direct, kinds)
    assert ancestors(graph.parents, graph.order) == {
        node: through[node] & set(graph.order) for node in graph.order
    }


@settings(max_examples=300, deadline=None)
@given(drawn=posted())
def test_every_recorded_light_node_is_evaluated_where_its_values_are(
    drawn: tuple[list[tuple[int, int, str]], dict[int, str]], manifest: Build
) -> None:
    edges, kinds = drawn
    graph = graph_of(manifest(edges, len(kinds), kinds=kinds))
    states = set(graph.order)
    evaluated = set(states)
    for node in graph.order:
        at_hand = set(graph.needs[node].inputs)
        for light in (*graph.needs[node].before, node, *graph.after.get(node, ())):
            values = {
                source for source, target, kind in edges if target == light and kind != "wait"
            }
            assert values <= at_hand
            at_hand.add(light)
            evaluated.add(light)
    recorded = {node for node, kind in kinds.items() if kind in ("item", "operator")}
    assert recorded <= evaluated


def _reusing(posted: Manifest, *reused: int) -> Manifest:
    nodes = [
        node.model_copy(update={"reused": node.id}) if node.id in reused else node
        for node in posted.nodes
    ]
    return posted.model_copy(update={"nodes": nodes, "redispatch_of": posted.dispatch_id})


def test_a_reused_electron_is_read_and_not_run(manifest: Build) -> None:
    graph = graph_of(_reusing(manifest([(0, 1), (0, 2), (1, 2), (0, 2, "wait")]), 0))
    assert graph.order == (1, 2)
    assert graph.parents == {1: (), 2: (1,)}
    assert graph.needs == {1: Needs((), (0,), ()), 2: Needs((), (0, 1), ())}


def test_everything_may_be_reused(manifest: Build) -> None:
    graph = graph_of(_reusing(manifest([(0, 1), (1, 2)], kinds={1: "item"}), 0, 1, 2))
    assert (graph.order, graph.after) == ((), {})


def test_who_waits_for_a_reused_electron_waits_for_nothing(manifest: Build) -> None:
    graph = graph_of(_reusing(manifest([(0, 1, "wait")]), 0))
    assert graph.needs == {1: Needs((), (), ())}


def test_a_value_of_a_reused_electron_rides_before_its_consumer(manifest: Build) -> None:
    graph = graph_of(_reusing(manifest([(0, 1), (1, 2)], kinds={1: "item"}), 0))
    assert graph.order == (2,)
    assert graph.needs[2] == Needs((1,), (0,), ())
    assert graph.after == {}


def test_a_value_of_a_reused_electron_that_nobody_takes_is_promoted(manifest: Build) -> None:
    graph = graph_of(_reusing(manifest([(0, 1)], kinds={1: "item"}), 0))
    assert (graph.order, graph.needs[1]) == ((1,), Needs((), (0,), ()))


def test_a_value_of_a_reused_and_a_running_electron_has_both(manifest: Build) -> None:
    """It cannot ride behind the one that runs, whose sheet does not name the other."""
    graph = graph_of(_reusing(manifest([(0, 2), (1, 2), (2, 3)], kinds={2: "operator"}), 0))
    assert graph.after == {}
    assert graph.needs[3] == Needs((2,), (0, 1), ())
    assert graph.parents[3] == (1,)


@settings(deadline=None)
@given(st.data())
def test_what_runs_keeps_its_order(manifest: Build, data: st.DataObject) -> None:
    """Reusing a set that is closed under parents: the rest waits as before, for what still runs."""
    size = data.draw(st.integers(1, 8))
    pairs = [(x, y) for y in range(size) for x in range(y)]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    posted = manifest(edges, n=size)
    whole = graph_of(posted)
    reused: set[int] = set()
    for node in range(size):
        if set(whole.parents[node]) <= reused and data.draw(st.booleans()):
            reused.add(node)
    graph = graph_of(_reusing(posted, *reused))
    assert set(graph.order) == set(range(size)) - reused
    for node in graph.order:
        assert set(graph.parents[node]) == set(whole.parents[node]) - reused
        assert graph.needs[node].inputs == whole.needs[node].inputs
