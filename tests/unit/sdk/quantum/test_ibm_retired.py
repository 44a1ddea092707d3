"""What IBM Quantum no longer offers."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from covalent._quantum.ibm import retired

CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/1:2::"
OPEN = ("ibm-q", "open", "main")


@pytest.fixture(autouse=True)
def _nothing_told_yet() -> Iterator[None]:
    retired.forget()
    yield
    retired.forget()


def told(ask: Callable[[], Any]) -> tuple[Any, int]:
    """The answer, and how many warnings came with it when it was asked for twice."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ask()
        answer = ask()
    return answer, len(caught)


def test_the_channel_that_ended() -> None:
    assert told(lambda: retired.channel("ibm_quantum")) == ("ibm_quantum_platform", 1)


@pytest.mark.parametrize("name", ["ibm_quantum_platform", "ibm_cloud", "local"])
def test_channels_in_service(name: str) -> None:
    assert told(lambda: retired.channel(name)) == (name, 0)


def test_a_channel_that_never_was() -> None:
    with pytest.raises(ValueError, match="channel must be one of ibm_cloud, ibm_quantum_platform"):
        retired.channel("ibm_quantam")


@pytest.mark.parametrize(
    ("instance", "cloud", "parts", "answer"),
    [
        ("", "", OPEN, (None, 0)),
        (CRN, "", OPEN, (CRN, 0)),
        ("my-service", "", OPEN, ("my-service", 0)),
        ("", CRN, OPEN, (CRN, 0)),
        ("my-hub/my-group/my-project", "", OPEN, (None, 1)),
        ("", "", ("mine", "open", "main"), (None, 1)),
    ],
)
def test_instances(
    instance: str, cloud: str, parts: tuple[str, str, str], answer: tuple[str | None, int]
) -> None:
    assert told(lambda: retired.instance(instance, cloud, parts)) == answer


def test_simulators() -> None:
    assert told(lambda: retired.simulator("ibmq_qasm_simulator")) == ("automatic", 1)
    assert told(lambda: retired.simulator("simulator_mps")) == ("matrix_product_state", 1)
    assert told(lambda: retired.simulator("ibm_torino")) == (None, 0)


def test_addresses() -> None:
    old = "https://auth.quantum-computing.ibm.com/api"
    assert told(lambda: retired.url(old)) == (None, 1)
    assert told(lambda: retired.url("https://cloud.ibm.com")) == ("https://cloud.ibm.com", 0)
    assert told(lambda: retired.url(None)) == (None, 0)


def test_the_device() -> None:
    assert told(retired.ibmq_device) == (None, 1)
