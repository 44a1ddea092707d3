"""The states of a state machine, before they are written: what each calls, and where it goes next."""

from dataclasses import dataclass

from covalent_executors.task import Array, Step, TaskTemplate

ROWS = "$.rows"
"""Where the rows of a Map are in its input."""
ROW = "$.row"
"""Where one of them is in the input of the states that run it."""
JOB = "$.job"
"""Where they find the id of the array that the row was in."""


@dataclass(frozen=True)
class Run:
    """Run one electron, an id or in a Map the path to one. `then` is None for the last state of a branch.

    tried: how many tries it had before this state.
    """

    name: str
    node: int | str
    task: TaskTemplate
    stopped: str
    then: str | None
    tried: int = 0


@dataclass(frozen=True)
class Submit:
    """Run many electrons as one array of jobs; `look` looks after them if some failed, `lost` if none ran."""

    name: str
    nodes: tuple[int, ...]
    task: TaskTemplate
    look: str
    lost: str
    then: str | None


@dataclass(frozen=True)
class Look:
    """Find those of `nodes`, an array that has failed, which have no result: the rows of a Map, each with its number.

    explains: somebody will ask what became of their jobs; if not, what has no try left is not among them.
    """

    name: str
    nodes: tuple[int, ...]
    explains: bool
    lost: str
    then: str


@dataclass(frozen=True)
class Explain:
    """Ask what became of the job that an array had for the electron of a row."""

    name: str
    array: Array
    stopped: str


@dataclass(frozen=True)
class Continue:
    """Make a further call for an electron, after those before it have succeeded."""

    name: str
    node: int
    step: Step
    is_last: bool
    stopped: str
    then: str | None


@dataclass(frozen=True)
class Wait:
    """Park a token until `needs` parents have arrived."""

    name: str
    node: int
    needs: int
    stopped: str
    then: str | None


@dataclass(frozen=True)
class Report:
    """Tell that the tasks `nodes` of a branch came to a stop."""

    name: str
    nodes: tuple[int, ...] | str
    then: str | None


@dataclass(frozen=True)
class Fork:
    """Run branches at once."""

    name: str
    branches: tuple["Branch", ...]
    then: str | None


@dataclass(frozen=True)
class Call:
    """Run a machine, under the name of the dispatch and `node`."""

    name: str
    node: int
    machine: str
    lost: str
    then: str | None


@dataclass(frozen=True)
class Lost:
    """Settle `nodes`, which should have run in executions that have ended."""

    name: str
    nodes: tuple[int, ...] | str
    then: str | None


@dataclass(frozen=True)
class Rows:
    """Put the rows of a Map into its input."""

    name: str
    rows: tuple[tuple[int, ...], ...]
    then: str


@dataclass(frozen=True)
class Inline:
    """Run `body` for every row, all at once. In a batch, `then` is None and the rows are the batch's items."""

    name: str
    body: "Branch"
    then: str | None


@dataclass(frozen=True)
class Distributed:
    """Run an execution for every `size` rows; `lost` follows in any case.

    width: how many executions at once, 0 for as many as there are. told: paths to what rows need beside `dispatch_id`.
    cause: why an electron has no result that none of them has settled.
    """

    name: str
    batch: Inline
    size: int
    lost: str
    width: int = 0
    told: tuple[str, ...] = ()
    cause: str = "its execution ended before it did"


@dataclass(frozen=True)
class Done:
    """The end of a branch that stopped, or of a machine without electrons."""

    name: str


State = (
    Run
    | Submit
    | Look
    | Explain
    | Continue
    | Wait
    | Report
    | Fork
    | Call
    | Lost
    | Rows
    | Inline
    | Distributed
    | Done
)


@dataclass(frozen=True)
class Branch:
    """States; the first is the one to start at."""

    states: tuple[State, ...]


@dataclass(frozen=True)
class StateMachine:
    """The machine's own states, and the function that takes waits and reports."""

    trunk: Branch
    runner: str
