"""The last dispatches of this process: reading their results need not ask for what was just sent."""

from collections import OrderedDict

from covalent._dispatch.packaging import Package

KEPT = 4
"""Dispatches that are remembered: a script asks for the one it has just made."""

LARGEST = 1024 * 1024
"""Bytes of the object with the recipe up to which it is kept: that of a whole pack."""

_recent: OrderedDict[str, Package] = OrderedDict()


def remember(package: Package) -> None:
    """Keep the manifest of a dispatch, and the object that holds its recipe."""
    recipe = package.manifest.recipe
    home = recipe.pack or recipe.digest
    data = package.objects[home]
    objects = {home: data} if len(data) <= LARGEST else {}
    _recent[package.manifest.dispatch_id] = Package(package.manifest, objects)
    while len(_recent) > KEPT:
        _recent.popitem(last=False)


def recall(dispatch_id: str) -> Package | None:
    """What is remembered of a dispatch."""
    return _recent.get(dispatch_id)
