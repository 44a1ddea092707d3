"""Checks of executors for each of what a class lists are none where it lists nothing; pytest would skip one."""

import inspect

import pytest
from tests.unit.executors.contract import ExecutorContract


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> list[pytest.Item] | None:
    """Collect no check whose list is empty."""
    if not (isinstance(collector, pytest.Class) and issubclass(collector.obj, ExecutorContract)):
        return None
    if not (name.startswith("test_") and inspect.isfunction(obj)):
        return None
    empty = {argument for argument, listed in collector.obj.lists().items() if not listed}
    return [] if empty.intersection(inspect.signature(obj).parameters) else None
