"""Results of dispatches: fetched when they are looked at, unpickled on the user's machine only."""

from covalent._results_manager.result import Result

__all__ = ["Result"]
