"""Write the sheets: what the runner must know of each electron (`covalent_contracts.sheet`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from covalent_contracts import keys, sheet
from covalent_contracts.manifest import Asset, Manifest, NodeKind
from covalent_contracts.sheet import Light, Page, Ref, Sheet
from covalent_executors.task import TaskTemplate
from covalent_step_functions.graph import Graph
from covalent_step_functions.plan import Gate, Plan


@dataclass(frozen=True)
class _Gates:
    """gated: nodes with a gate of their own name; releases: by node, the gates at which its commit arrives."""

    gated: frozenset[int]
    releases: Mapping[int, tuple[int, ...]]


def pages_of(
    manifest: Manifest,
    graph: Graph,
    plan: Plan,
    tasks: Mapping[int, TaskTemplate],
    owner: str,
) -> dict[int, bytes]:
    """The pages of a dispatch, by number, as they are stored."""
    gates = _gates(plan)
    pages: dict[int, dict[int, Sheet]] = {}
    for node in sorted(graph.order):
        page = pages.setdefault(keys.page_of(node), {})
        page[node] = _sheet(graph, gates, tasks[node], node)
    if manifest.root_dispatch_id != manifest.dispatch_id:
        returned = _returned(manifest)
        pages.setdefault(keys.page_of(returned.id), {})[returned.id] = returned
    return {number: sheet.dump(_page(manifest, owner, found)) for number, found in pages.items()}


def _returned(manifest: Manifest) -> Sheet:
    """What the lattice of a sublattice returns, for the runner that takes it over to the dispatch above."""
    last = manifest.nodes[-1]
    edges = (edge for edge in manifest.edges if edge.target == last.id and edge.kind != "wait")
    inputs = tuple(sorted({edge.source for edge in edges}))
    light = Light(last.id, NodeKind.COLLECTION.value, value=_ref(manifest.recipe), inputs=inputs)
    return Sheet(last.id, last.name, light=light, inputs=inputs)


def _page(manifest: Manifest, owner: str, sheets: Mapping[int, Sheet]) -> Page:
    return Page(
        dispatch_id=manifest.dispatch_id,
        root_dispatch_id=manifest.root_dispatch_id,
        owner=owner,
        python=manifest.python,
        sheets=sheets,
    )


def _gates(plan: Plan) -> _Gates:
    releases: dict[int, list[int]] = {}
    gates = sorted(_all_gates(plan), key=lambda gate: gate.node)
    for gate in gates:
        for parent in gate.needs:
            releases.setdefault(parent, []).append(gate.node)
    return _Gates(
        frozenset(gate.node for gate in gates),
        {node: tuple(found) for node, found in releases.items()},
    )


def _all_gates(plan: Plan) -> Iterator[Gate]:
    return (item for item in plan.walk() if isinstance(item, Gate))


def _sheet(graph: Graph, gates: _Gates, task: TaskTemplate, id_: int) -> Sheet:
    node = graph.nodes[id_]
    needs = graph.needs[id_]
    heavy = node.kind.is_heavy
    edges = graph.incoming[id_] if heavy else ()
    return Sheet(
        id=id_,
        name=node.name,
        function=_ref(node.function),
        hooks=_ref(node.hooks),
        executor=_ref(node.own_executor),
        args=tuple(edge.source for edge in edges if edge.kind == "arg"),
        kwargs={edge.name: edge.source for edge in edges if edge.kind == "kwarg"},
        before=tuple(_light(graph, each) for each in needs.before),
        inputs=needs.inputs,
        waits=needs.waits,
        after=tuple(_light(graph, each) for each in graph.after.get(id_, ())),
        light=None if heavy else _light(graph, id_),
        children=graph.children[id_],
        releases=gates.releases.get(id_, ()),
        gated=id_ in gates.gated,
        retries=task.retries,
        heartbeat=task.heartbeat or None,
        time_limit=task.time_limit,
        sublattice=node.kind is NodeKind.SUBLATTICE,
    )


def _light(graph: Graph, id_: int) -> Light:
    node = graph.nodes[id_]
    sources = (edge.source for edge in graph.incoming[id_] if edge.kind != "wait")
    return Light(
        id=id_, kind=node.kind.value, op=node.op, value=_ref(node.value), inputs=tuple(sources)
    )


def _ref(asset: Asset | None) -> Ref | None:
    if asset is None:
        return None
    return Ref(asset.digest, asset.size, asset.pack or "", asset.offset)
