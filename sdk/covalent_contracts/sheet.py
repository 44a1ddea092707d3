"""What the runner must know of one electron, written by the control plane, one JSON object per page of nodes.

A sheet holds references and ids, never values. Light nodes ride along: those in `before` are evaluated to get the
arguments, those in `after` from the electron's own output.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from covalent_contracts.errors import NewerWire

WIRE = 1
"""Version of the page's form. A runner refuses a newer one and reads every older one."""


@dataclass(frozen=True)
class Ref:
    """An uploaded asset: a whole object, or `size` bytes from `offset` of the pack object `pack`."""

    digest: str
    size: int
    pack: str = ""
    offset: int = 0


@dataclass(frozen=True)
class Light:
    """A node that is computed, not run.

    kind is `parameter` or `collection` (value: the pickled value, electrons in it replaced by references to nodes),
    `item` (inputs: container, key), `attribute` (inputs: object; name: the attribute), or `operator`
    (name: a function of the `operator` module, or `r` + one for reflected operands; inputs: the operands).
    Only item, attribute and operator nodes have records.
    """

    id: int
    kind: str
    op: str = ""
    value: Ref | None = None
    inputs: tuple[int, ...] = ()

    @property
    def is_recorded(self) -> bool:
        """Whether the node has an item of its own in the table."""
        return self.kind in ("item", "attribute", "operator")


@dataclass(frozen=True)
class Sheet:
    """One heavy node: a function, a sublattice, or a light node that no neighbour can host (`light`).

    In a dispatch that is a sublattice's, the last node has a sheet too: its `light` is what the lattice returns.

    args and kwargs name the nodes whose values are passed. inputs are the recorded nodes that are read from the table
    for it. waits must be COMPLETED, their values are not read. children are the heavy nodes that directly need this
    one; heartbeat: seconds after which its machine is lost if it does not say that it lives (None: it need not);
    releases are the gates at which its commit arrives; gated tells that it has a gate itself. sublattice tells
    that the function gives no output but a `covalent_contracts.built.Built`: the graph of a dispatch of its own.
    executor is the object that is asked to run the function, if the runner does not call it itself.
    """

    id: int
    name: str
    function: Ref | None = None
    hooks: Ref | None = None
    executor: Ref | None = None
    args: tuple[int, ...] = ()
    kwargs: Mapping[str, int] | None = None
    before: tuple[Light, ...] = ()
    inputs: tuple[int, ...] = ()
    waits: tuple[int, ...] = ()
    after: tuple[Light, ...] = ()
    light: Light | None = None
    children: tuple[int, ...] = ()
    releases: tuple[int, ...] = ()
    gated: bool = False
    retries: int = 0
    time_limit: float = 0
    heartbeat: float | None = None
    sublattice: bool = False


@dataclass(frozen=True)
class Page:
    """The sheets of up to `keys.SHEETS_PER_PAGE` consecutive node ids."""

    dispatch_id: str
    root_dispatch_id: str
    owner: str
    python: str
    sheets: Mapping[int, Sheet]


def dump(page: Page) -> bytes:
    """A page as JSON; empty fields are left out."""
    document = {
        "wire": WIRE,
        "dispatch_id": page.dispatch_id,
        "root_dispatch_id": page.root_dispatch_id,
        "owner": page.owner,
        "python": page.python,
        "sheets": list(page.sheets.values()),
    }
    return json.dumps(document, separators=(",", ":"), default=_slim).encode()


def load(data: bytes) -> Page:
    """Read a page.

    Raises:
        NewerWire: the page was written by a newer control plane.

    """
    document = json.loads(data)
    if document["wire"] > WIRE:
        raise NewerWire(
            f"the dispatch needs a runner of wire version {document['wire']}, this one knows {WIRE}: "
            "deploy the new runner"
        )
    sheets = (_sheet(fields) for fields in document["sheets"])
    return Page(
        dispatch_id=document["dispatch_id"],
        root_dispatch_id=document["root_dispatch_id"],
        owner=document["owner"],
        python=document["python"],
        sheets={sheet.id: sheet for sheet in sheets},
    )


def _slim(found: Sheet | Light | Ref) -> dict[str, Any]:
    """Without empty fields, which `load` fills in again. Zero stays: it is a node id.

    asdict() would copy all values deeply: half the time of a compilation.
    """
    return {k: v for k, v in vars(found).items() if v or (v == 0 and v is not False)}


def _ref(fields: Mapping[str, Any] | None) -> Ref | None:
    return None if fields is None else Ref(**fields)


def _light(fields: Mapping[str, Any]) -> Light:
    return Light(
        **{
            **fields,
            "value": _ref(fields.get("value")),
            "inputs": tuple(fields.get("inputs", ())),
        }
    )


def _sheet(fields: Mapping[str, Any]) -> Sheet:
    tuples = ("args", "inputs", "waits", "children", "releases")
    light = fields.get("light")
    return Sheet(
        **{
            **fields,
            **{name: tuple(fields.get(name, ())) for name in tuples},
            "name": fields.get("name", ""),
            "function": _ref(fields.get("function")),
            "hooks": _ref(fields.get("hooks")),
            "executor": _ref(fields.get("executor")),
            "before": tuple(_light(each) for each in fields.get("before", ())),
            "after": tuple(_light(each) for each in fields.get("after", ())),
            "light": None if light is None else _light(light),
        }
    )
