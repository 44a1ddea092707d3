"""Which nodes of a redispatch are the same as before."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

import covalent as ct
from covalent._dispatch.packaging import package
from covalent._dispatch.reuse import reusable, same_bytes

if TYPE_CHECKING:
    from covalent._workflow.lattice import Lattice
    from covalent_contracts.manifest import Asset, Manifest


@ct.electron
def stamp(value: Any, other: Any = None) -> Any:
    return value, other


@ct.electron
def use(value: Any) -> Any:
    return value


def made(lattice: Lattice, *args: Any) -> Manifest:
    lattice.build_graph(*args)
    return package(lattice).manifest


def recorded(manifest: Manifest) -> set[int]:
    return {node.id for node in manifest.nodes if node.kind.is_recorded}


def names(manifest: Manifest, found: dict[int, int]) -> list[str]:
    return [manifest.nodes[each].name for each in sorted(found)]


@ct.lattice
def pair(x: Any, y: Any) -> Any:
    return use([stamp(x), stamp(y)])


def test_the_same_workflow_is_reused_as_a_whole() -> None:
    manifest = made(pair, 1, 2)
    whole = recorded(manifest)
    assert reusable(manifest, made(pair, 1, 2), whole) == {each: each for each in whole}


def test_another_argument_runs_what_takes_it_and_what_follows() -> None:
    old, new = made(pair, 1, 2), made(pair, 1, 3)
    assert names(new, reusable(old, new, recorded(old))) == ["stamp"]


def test_what_failed_keeps_what_follows_from_being_reused() -> None:
    manifest = made(pair, 1, 2)
    one, two, last = sorted(recorded(manifest))
    assert reusable(manifest, manifest, {last, one}) == {one: one}
    assert reusable(manifest, manifest, {two}) == {two: two}
    assert reusable(manifest, manifest, set()) == {}


def test_equal_calls_are_told_apart_by_their_order() -> None:
    manifest = made(pair, 1, 1)
    one, two, last = sorted(recorded(manifest))
    assert reusable(manifest, manifest, {last, two}) == {two: two}
    assert reusable(manifest, manifest, {last, one}) == {one: one}


def test_ids_may_shift() -> None:
    @ct.lattice
    def several(*values: Any) -> Any:
        return [use(stamp(value)) for value in values]

    old, new = made(several, 1, 2), made(several, 0, 1, 2)
    found = reusable(old, new, recorded(old))
    assert len(found) == 4
    assert all(after != before for after, before in found.items())
    assert sorted(names(new, found)) == ["stamp", "stamp", "use", "use"]


def test_a_child_goes_with_its_parent() -> None:
    """Of two equal pairs the second parent failed: its child must not take over the result of the first one's."""

    @ct.lattice
    def twins() -> Any:
        return [use(stamp(1)), use(stamp(1))]

    manifest = made(twins)
    by_name = [(node.name, node.id) for node in manifest.nodes if node.kind.is_recorded]
    stamps, uses = ([i for name, i in by_name if name == each] for each in ("stamp", "use"))
    completed = {stamps[0], uses[0], uses[1]}
    assert set(reusable(manifest, manifest, completed)) == {stamps[0], uses[0]}


def test_an_edge_makes_a_difference() -> None:
    @ct.lattice
    def positional(x: Any) -> Any:
        return stamp(use(x), 2)

    @ct.lattice
    def keyword(x: Any) -> Any:
        return stamp(use(x), other=2)

    @ct.lattice
    def waiting(x: Any) -> Any:
        first, second = use(x), use(2)
        ct.wait(second, first)
        return second

    @ct.lattice
    def beside(x: Any) -> Any:
        use(x)
        return use(2)

    for one, two in ((positional, keyword), (waiting, beside)):
        old, new = made(one, 1), made(two, 1)
        assert len(reusable(old, new, recorded(old))) == 1


def test_hooks_make_a_difference_and_executors_do_not() -> None:
    def built(**settings: Any) -> Manifest:
        electron = ct.electron(len, **settings)

        @ct.lattice
        def workflow() -> Any:
            return electron([1])

        return made(workflow)

    old = built()
    assert reusable(old, built(executor="awslambda"), recorded(old)) == {0: 0}
    assert reusable(old, built(deps_bash="true"), recorded(old)) == {}


def test_wait_edges_may_point_backwards() -> None:
    @ct.lattice
    def backwards() -> Any:
        first, second = use(1), use(2)
        ct.wait(first, second)
        return first

    manifest = made(backwards)
    assert len(reusable(manifest, manifest, recorded(manifest))) == 2


def _pickled_otherwise(manifest: Manifest) -> Manifest:
    """The same workflow with other bytes in each asset of a node."""

    def other(asset: Asset | None) -> Asset | None:
        if asset is None:
            return None
        digest = sha256(asset.digest.encode()).hexdigest()
        return asset.model_copy(update={"digest": digest})

    fields = ("function", "hooks", "value")
    nodes = [
        node.model_copy(update={name: other(getattr(node, name)) for name in fields})
        for node in manifest.nodes
    ]
    return manifest.model_copy(update={"nodes": nodes})


def test_what_is_pickled_anew_is_still_the_same() -> None:
    old, changed = made(pair, 1, 2), _pickled_otherwise(made(pair, 1, 3))
    assert reusable(old, changed, recorded(old)) == {}
    same = same_bytes(old, _pickled_otherwise(old))
    assert names(changed, reusable(old, changed, recorded(old), same)) == ["stamp"]
    assert names(old, reusable(old, made(pair, 1, 3), recorded(old), same)) == ["stamp"]


def test_another_workflow_is_not_the_same() -> None:
    @ct.lattice
    def single(x: Any) -> Any:
        return use(x)

    assert same_bytes(made(pair, 1, 2), made(single, 1)) is None


@given(st.data())
def test_exactly_what_follows_a_difference_runs_again(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 7))
    parents = [
        data.draw(st.lists(st.integers(0, node - 1), unique=True, max_size=3)) if node else []
        for node in range(size)
    ]
    constants = data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    changed = data.draw(st.sets(st.integers(0, size - 1)))

    @ct.electron
    def node(_index: int, _constant: int, *_others: Any) -> None: ...

    @ct.lattice
    def workflow(values: list[int]) -> Any:
        calls: list[Any] = []
        for index, value in enumerate(values):
            calls.append(node(index, value, *(calls[each] for each in parents[index])))
        return calls

    old = made(workflow, constants)
    new = made(workflow, [value + 9 * (i in changed) for i, value in enumerate(constants)])
    electrons = sorted(recorded(old))
    differs: set[int] = set()
    for index in range(size):
        if index in changed or differs.intersection(parents[index]):
            differs.add(index)
    kept = {electrons[index] for index in range(size) if index not in differs}
    assert reusable(old, new, recorded(old)) == {each: each for each in kept}
