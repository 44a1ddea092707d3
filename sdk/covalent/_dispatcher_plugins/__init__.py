"""How a lattice is handed to a dispatcher."""

from covalent._dispatcher_plugins.local import (
    LocalDispatcher,
    dispatch,
    dispatch_sync,
    redispatch,
    stop_triggers,
)

__all__ = ["LocalDispatcher", "dispatch", "dispatch_sync", "redispatch", "stop_triggers"]
