"""A trigger that fires when rows appear in a database."""

from __future__ import annotations

import re
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

from covalent.triggers.base import BaseTrigger, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

_SQLITE = "sqlite:///"
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?")
MOST_ROWS = 1000
"""Rows that are looked at: whether there are other ones than before is all that matters."""

Rows = frozenset[tuple[str, ...]]


class DatabaseTrigger(BaseTrigger):
    """Runs a workflow when a query finds rows that it did not find before.

    The database is asked from this machine, by the local server or `covalent start --triggers-only`. SQLite is read
    with what Python has; for others, SQLAlchemy and the database's driver must be installed there.

    Args:
        db_path: the database as a URL of SQLAlchemy, such as `sqlite:///results.db` or `postgresql://user@host/name`.
        table_name: the table to look at.
        poll_interval: seconds between two looks.
        where_clauses: conditions that rows must meet, all of them, such as `["id > 2", "status = 'new'"]`.
        trigger_after_n: looks with new rows that it takes to fire once.
        lattice_dispatch_id: as for `BaseTrigger`.
        dispatcher_addr: as for `BaseTrigger`.
        triggers_server_addr: as for `BaseTrigger`.
        overlap: as for `BaseTrigger`.

    Raises:
        ValueError: a setting is not what it must be.

    """

    def __init__(  # noqa: PLR0913  # the signature is Covalent's
        self,
        db_path: str,
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
        super().__init__(
            lattice_dispatch_id, dispatcher_addr, triggers_server_addr, overlap=overlap
        )
        if not _NAME.fullmatch(table_name):
            raise ValueError(f"{table_name!r} is not the name of a table")
        if isinstance(where_clauses, str):
            raise ValueError(f"where_clauses is a list of conditions: write [{where_clauses!r}]")
        self.db_path = db_path
        self.table_name = table_name
        self.poll_interval = _seconds(poll_interval)
        self.where_clauses = list(where_clauses or [])
        self.trigger_after_n = whole_number(trigger_after_n, "trigger_after_n")
        self.stop_flag = threading.Event()

    def observe(self) -> None:
        """Look at the database until `stop` is called."""
        stopped = self.stop_flag = self.stop_flag or threading.Event()
        known: Rows = frozenset()
        looks = 0
        while not stopped.wait(self.poll_interval):
            rows = self._rows()
            looks += bool(rows - known)
            known = rows
            if looks >= self.trigger_after_n:
                looks = 0
                self.trigger({"kind": "database", "table": self.table_name, "rows": len(rows)})

    def stop(self) -> None:
        """End `observe`."""
        if self.stop_flag is not None:
            self.stop_flag.set()

    @property
    def query(self) -> str:
        """What the database is asked."""
        conditions = " AND ".join(f"({each})" for each in self.where_clauses)
        where = f" WHERE {conditions}" if conditions else ""
        return f"SELECT * FROM {self.table_name}{where}"  # noqa: S608  # the user's own table and conditions

    def _rows(self) -> Rows:
        if self.db_path.startswith(_SQLITE):
            return read_sqlite(self.db_path.removeprefix(_SQLITE), self.query)
        try:
            import sqlalchemy  # noqa: PLC0415  # only for databases that need it
        except ModuleNotFoundError as exc:
            raise ModuleNotFoundError(
                f"a DatabaseTrigger on {self.db_path.partition(':')[0]} needs SQLAlchemy and the database's driver: "
                "pip install sqlalchemy"
            ) from exc
        engine = sqlalchemy.create_engine(self.db_path)
        try:
            with engine.connect() as connection:
                found = connection.execute(sqlalchemy.text(self.query)).fetchmany(MOST_ROWS)
        finally:
            engine.dispose()
        return _as_rows(found)


def read_sqlite(path: str, query: str) -> Rows:
    """The rows that a query finds in a file of SQLite, which must be there."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return _as_rows(connection.execute(query).fetchmany(MOST_ROWS))


def _as_rows(found: Sequence[Any]) -> Rows:
    return frozenset(tuple(map(repr, row)) for row in found)


def _seconds(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"poll_interval is {value!r}: it must be a number of seconds above 0")
    return value
