"""Quantum electrons in electrons of Azure and Google, as their own clients see them on this machine."""

from typing import Any

import pytest
from tests.clouds import places
from tests.clouds.places import clouds, server
from tests.quantum.e2e.test_in_electrons import check, ran, value_of

__all__ = ["clouds", "server"]
pytestmark = [pytest.mark.quantum, pytest.mark.usefixtures("server")]


@pytest.mark.parametrize(
    "made",
    [places.azurebatch, places.gcpbatch, places.azurefunctions, places.gcpfunctions],
    ids=lambda made: made.__name__,
)
def test_what_ran_there_comes_back(made: Any) -> None:
    check(ran(value_of, 0.5, executor=made()))
