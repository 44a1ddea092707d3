"""A trigger that fires when rows appear in a file of SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from covalent.triggers.database_trigger import DatabaseTrigger, Rows, read_sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence


class SQLiteTrigger(DatabaseTrigger):
    """Runs a workflow when a query finds rows in a file of SQLite that it did not find before.

    Args:
        db_path: the file.
        table_name: as for `DatabaseTrigger`.
        poll_interval: as for `DatabaseTrigger`.
        where_clauses: as for `DatabaseTrigger`.
        trigger_after_n: as for `DatabaseTrigger`.
        lattice_dispatch_id: as for `BaseTrigger`.
        dispatcher_addr: as for `BaseTrigger`.
        triggers_server_addr: as for `BaseTrigger`.
        overlap: as for `BaseTrigger`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a setting is not what it must be.

    """

    def __init__(  # noqa: PLR0913  # the signature is Covalent's
        self,
        db_path: str | Path,
        table_name: str,
        poll_interval: int = 1,
        where_clauses: Sequence[str] | None = None,
        trigger_after_n: int = 1,
        lattice_dispatch_id: str | None = None,
        dispatcher_addr: str | None = None,
        triggers_server_addr: str | None = None,
        *,
        overlap: str = "allow",
    ) -> None:
        path = Path(db_path).expanduser().absolute()
        if not path.is_file():
            raise FileNotFoundError(f"there is no database at {path}")
        super().__init__(
            str(path),
            table_name,
            poll_interval,
            where_clauses,
            trigger_after_n,
            lattice_dispatch_id,
            dispatcher_addr,
            triggers_server_addr,
            overlap=overlap,
        )

    def _rows(self) -> Rows:
        return read_sqlite(self.db_path, self.query)
