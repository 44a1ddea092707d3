"""A lattice as an electron of another one: its graph is built where the electron runs, with the values it gets there.

What travels is a `Sublattice`. Called by the runner, it builds the graph with the SDK that is there, packages it as a
dispatch of its own and hands that back; the control plane goes on with it (`covalent_control_plane.adoption`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from covalent._workflow.depspip import DepsPip
from covalent._workflow.lattice import Lattice
from covalent._workflow.metadata import workflow_metadata
from covalent_contracts import context
from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.ids import sub_dispatch_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from covalent_contracts.built import Built

PREFIX = ":sublattice:"
_INHERITED = ("executor", "workflow_executor", "hooks")


class Sublattice:
    """Builds the graph of a lattice; the function of a sublattice node.

    Args:
        lattice: what to build, with all metadata that it is to have.

    """

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.__name__ = lattice.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Built:
        """Build the graph for these arguments, as the dispatch that the running node becomes.

        Raises:
            InvalidWorkflow: no node runs here, or the lattice cannot run as written.
            UnpicklableValue: something in it cannot travel.

        """
        from covalent._dispatch.packaging import package  # noqa: PLC0415  # loads pydantic
        from covalent._workflow.own_modules import by_name  # noqa: PLC0415  # loaded when first used
        from covalent.executor.cluster_address import cluster_address  # noqa: PLC0415  # as above
        from covalent_contracts.built import Built  # noqa: PLC0415  # loaded when first used

        here = context.current()
        if here.dispatch_id is None or here.node_id is None:
            raise InvalidWorkflow(f"sublattice {self.__name__} can only be built in a dispatch")
        with by_name():
            self.lattice.build_graph(*args, **kwargs)
            child = sub_dispatch_id(here.dispatch_id, here.node_id)
            made = package(
                self.lattice, dispatch_id=child, is_sublattice=True, cluster=cluster_address()
            )
        return Built(made.manifest.model_dump_json().encode(), made.objects)


def as_sublattice(
    lattice: Lattice, own: Mapping[str, Any], around: Mapping[str, Any]
) -> tuple[Sublattice, dict[str, Any]]:
    """A lattice as the function of a node, and the metadata of that node.

    Metadata that the lattice leaves open is that of the lattice around it; an executor is first of all the electron's.
    The hooks of the electron run around the building, or else what that lattice installs: arguments may need it.
    Triggers are nobody's but the lattice's that is dispatched.

    Args:
        lattice: the lattice.
        own: the metadata of the electron that it was made.
        around: the metadata of the lattice that calls it.

    """
    from covalent.executor.settings import configured  # noqa: PLC0415  # loaded when first used

    inherited = {**around, "executor": own.get("executor") or around.get("executor")}
    found = {name: lattice.metadata.get(name) or inherited.get(name) for name in _INHERITED}
    # Where the graph is built there may be no configuration of the user's.
    found |= {name: configured(found[name]) for name in ("executor", "workflow_executor")}
    filled = Lattice(lattice.workflow_function)
    filled.metadata = {**lattice.metadata, **found, "triggers": None}
    filled.__name__, filled.__doc__ = lattice.__name__, lattice.__doc__
    where = own.get("executor") or workflow_metadata(around)["executor"]
    hooks = own.get("hooks") or _installing(around.get("hooks"))
    return Sublattice(filled), {"executor": where, "hooks": hooks}


def _installing(hooks: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What of hooks installs something. Calls are for electrons, whose parameters they fill in."""
    if hooks is None:
        return None
    packages = [each for each in hooks["call_before"] if isinstance(each, DepsPip)]
    if not (hooks["deps"] or packages):
        return None
    return {"deps": hooks["deps"], "call_before": packages, "call_after": []}
