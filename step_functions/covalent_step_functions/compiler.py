"""Turn a manifest into a state machine.

manifest --graph--> Graph --plan--> Plan --states--> StateMachine --emit--> definition --check--> Compiled

graph   which nodes become states, who waits for whom, who hosts the light nodes.  No executor is known here.
order   the heavy graph as a partial order, closed and reduced.                    Only positions and bits.
plan    that order as sequences, Parallels and gates, neither more nor less.       No state is known here.
arrays  what one call can start together: jobs of equal electrons side by side.    Executors say which.
split   what is too large for one machine as several, and wide fan-outs as Maps.   Sizes are estimated here.
states  each executor says what to call; names, Next, Catch, reports (machine).    No JSON yet.
emit    Amazon States Language.                                                    Nothing is fetched from AWS.
check   compares with quotas.
sheets  what the runner must know of each electron: beside the definition, because it differs from dispatch to
        dispatch, and the definition must not: equal workflows share one machine, named by the definition's hash.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.manifest import Manifest, Node, NodeKind
from covalent_contracts.quoted import quoted_size
from covalent_executors import registry
from covalent_executors.place import Place
from covalent_executors.sublattice import sublattice
from covalent_executors.task import INVOKE, Argument, TaskTemplate, lambda_task
from covalent_executors.task import Machine as Part
from covalent_step_functions.arrays import arrayed
from covalent_step_functions.check import check_definition, check_plan, check_task
from covalent_step_functions.collector import uncollected
from covalent_step_functions.cost import Cost
from covalent_step_functions.emit import emit
from covalent_step_functions.graph import Graph, graph_of
from covalent_step_functions.names import machine_name
from covalent_step_functions.order import order_of
from covalent_step_functions.plan import Items, Nested, Plan, annotated, plan
from covalent_step_functions.sheets import pages_of
from covalent_step_functions.split import BUDGET, split
from covalent_step_functions.states import Calls, states_of
from covalent_step_functions.weights import Weight, Weights


@dataclass(frozen=True)
class Machine:
    """A state machine to create."""

    name: str
    definition: str


@dataclass(frozen=True)
class Compiled:
    """The state machines of one dispatch: the last is the one to start, it starts the others.

    pages are the sheets, by page number, as they are stored. cost is of an execution that meets no failure.
    """

    machines: tuple[Machine, ...]
    pages: Mapping[int, bytes]
    plan: Plan
    cost: Cost

    @property
    def name(self) -> str:
        """The machine to start."""
        return self.machines[-1].name

    @property
    def definition(self) -> str:
        """Its definition."""
        return self.machines[-1].definition


@uncollected
def compile_dispatch(
    manifest: Manifest, place: Place, owner: str, budget: Weight = BUDGET
) -> Compiled:
    """Compile a dispatch.

    Args:
        manifest: what the SDK posted.
        place: the deployment to run on.
        owner: whose assets the runner will read (`covalent_contracts.ids.owner_of`).
        budget: what one state machine may take; the plan is divided until it does.

    Raises:
        InvalidWorkflow: nodes form a circle, or an executor has an impossible setting.
        UnknownExecutor: an executor's name is not known.
        UnsupportedPython: the deployment has no runner for the manifest's Python.
        LimitExceeded: it fits in no form.

    """
    runner = place.runner(manifest.python)
    graph = graph_of(manifest)
    helpers = _Helpers(place)
    tasks = _tasks(manifest, graph, place, helpers)
    calls = Calls(tasks, lambda node: graph.nodes[node].name, runner)
    whole = annotated(plan(order_of(graph.order, graph.parents)), tasks)
    layout = split(arrayed(whole, tasks), Weights(calls, place), budget)
    cost = check_plan(layout)
    machines = (*helpers.made(), *_Machines(calls, place).of(layout))
    return Compiled(
        machines=machines,
        pages=pages_of(manifest, graph, layout, tasks, owner),
        plan=layout,
        cost=replace(cost, size=max(quoted_size(each.definition) for each in machines)),
    )


class _Machines:
    """Writes the machines of one plan, those of nested executions first."""

    def __init__(self, calls: Calls, place: Place) -> None:
        self._calls = calls
        self._place = place
        self._made: list[Machine] = []

    def of(self, plan: Plan) -> tuple[Machine, ...]:
        """All machines; the plan's own is the last."""
        self._write(plan.items)
        return tuple(self._made)

    def _write(self, items: Items) -> Machine:
        definition = emit(states_of(items, self._calls, self._arn_of))
        check_definition(definition)
        machine = Machine(machine_name(self._place.prefix, definition), definition)
        self._made.append(machine)
        return machine

    def _arn_of(self, nested: Nested) -> str:
        return self._place.machines + self._write(nested.items).name


class _Helpers:
    """The machines of which every electron of an executor has an execution of its own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._made: dict[str, Machine] = {}

    def made(self) -> tuple[Machine, ...]:
        """Those that were asked for."""
        return tuple(self._made.values())

    def named_in(self, task: TaskTemplate) -> TaskTemplate:
        """The task, with the ARN of each machine in its place."""
        parameters = {name: self._named(value) for name, value in task.parameters.items()}
        return replace(task, parameters=parameters)

    def _named(self, value: Argument) -> Argument:
        if not isinstance(value, Part):
            return value
        name = machine_name(self._place.prefix, value.definition)
        self._made[name] = Machine(name, value.definition)
        return self._place.machines + name


def _tasks(
    manifest: Manifest, graph: Graph, place: Place, helpers: _Helpers
) -> dict[int, TaskTemplate]:
    """What to call for each heavy node. A promoted light node runs on the runner itself, whatever it names."""
    uses = sorted({*map(_use, _heavy(graph))})
    by_use = {use: helpers.named_in(_task(manifest, use, place)) for use in uses}
    plain = lambda_task(place.runner(manifest.python))
    nodes = (graph.nodes[node] for node in graph.order)
    return {node.id: by_use[_use(node)] if node.kind.is_heavy else plain for node in nodes}


class _Use(NamedTuple):
    """What decides what is called for a heavy node."""

    kind: NodeKind
    executor: str
    needs_sdk: bool


def _use(node: Node) -> _Use:
    return _Use(node.kind, node.executor or "", node.needs_sdk)


def _heavy(graph: Graph) -> Iterator[Node]:
    return (graph.nodes[node] for node in graph.order if graph.nodes[node].kind.is_heavy)


def _task(manifest: Manifest, use: _Use, place: Place) -> TaskTemplate:
    if use.executor not in manifest.executors:
        raise InvalidWorkflow(f"the manifest does not describe executor {use.executor!r}")
    executor = manifest.executors[use.executor]
    is_built = use.kind is NodeKind.SUBLATTICE
    where = place.to_build if is_built or use.needs_sdk else place
    task = registry.task(executor.name, executor.attributes, where, manifest.python)
    check_task(task, place)
    if not is_built:
        return task
    if task.resource != INVOKE:  # only where the deployment's own code is can a graph be built
        task = lambda_task(where.runner(manifest.python), retries=task.retries)
    return sublattice(task, place, manifest.python)
