"""Small types at the import path that the Covalent API promises."""

from dataclasses import dataclass

from covalent_contracts.status import Status

__all__ = ["DispatchInfo", "Status"]


@dataclass(frozen=True)
class DispatchInfo:
    """The dispatch that an executor works for."""

    dispatch_id: str
