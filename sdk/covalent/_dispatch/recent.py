"""The last dispatches of this process: reading their results need not ask for what was just sent."""

import time
from collections import OrderedDict
from typing import NamedTuple

from covalent._dispatch.packaging import Package

KEPT = 4
"""Dispatches that are remembered: a script asks for the one it has just made."""

LARGEST = 1024 * 1024
"""Bytes of the object with the recipe up to which it is kept: that of a whole pack."""


class _Sent(NamedTuple):
    package: Package
    at: float


_recent: OrderedDict[str, _Sent] = OrderedDict()


def remember(package: Package) -> None:
    """Keep the manifest of a dispatch, and the object that holds its recipe."""
    recipe = package.manifest.recipe
    home = recipe.pack or recipe.digest
    data = package.objects.get(home)  # a redispatch brings no objects of its own
    objects = {home: data} if data is not None and len(data) <= LARGEST else {}
    kept = Package(package.manifest, objects)
    _recent[package.manifest.dispatch_id] = _Sent(kept, time.monotonic())
    while len(_recent) > KEPT:
        _recent.popitem(last=False)


def recall(dispatch_id: str) -> Package | None:
    """What is remembered of a dispatch."""
    sent = _recent.get(dispatch_id)
    return None if sent is None else sent.package


def started(dispatch_id: str) -> float | None:
    """When the dispatch was started, by the monotonic clock, if it is remembered."""
    sent = _recent.get(dispatch_id)
    return None if sent is None else sent.at
