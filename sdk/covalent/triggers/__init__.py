"""Triggers: run a workflow whenever something happens.

    @ct.lattice(triggers=ct.triggers.TimeTrigger(time_gap=60))
    def workflow(): ...

The first event runs the dispatched workflow, each later one a new dispatch of it.
"""

from covalent.triggers.base import BaseTrigger
from covalent.triggers.cron_trigger import CronTrigger
from covalent.triggers.database_trigger import DatabaseTrigger
from covalent.triggers.dir_trigger import DirTrigger
from covalent.triggers.event_trigger import EventTrigger
from covalent.triggers.sqlite_trigger import SQLiteTrigger
from covalent.triggers.time_trigger import TimeTrigger

__all__ = [
    "BaseTrigger",
    "CronTrigger",
    "DatabaseTrigger",
    "DirTrigger",
    "EventTrigger",
    "SQLiteTrigger",
    "TimeTrigger",
]
