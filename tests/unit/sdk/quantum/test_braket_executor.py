"""What BraketQubitExecutor makes devices of, and which devices it refuses: with stand-ins for the SDK's."""

from types import SimpleNamespace
from typing import Any

import pytest

from covalent._quantum.amazon import plugin, remote, sessions, tasks
from covalent._quantum.amazon.errors import BraketError
from covalent.executor import BraketQubitExecutor, LocalBraketQubitExecutor

ARN = "arn:aws:braket:::device/quantum-simulator/amazon/dm1"
LIMITS = tasks.Limits(1, 2, 3)


def test_what_a_device_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(plugin, "load", lambda _: None)
    monkeypatch.setattr(sessions, "made", lambda session, connections: (session, connections))
    monkeypatch.setattr(remote, "device", lambda *args, **settings: made.append((args, settings)))
    executor = BraketQubitExecutor(
        device_arn=ARN,
        max_retries=1,
        poll_timeout_seconds=2,
        poll_interval_seconds=3,
        aws_session="work",
        parallel=True,
        max_parallel=4,
        max_connections=5,
        s3_destination_folder=("bucket", "folder"),
        run_kwargs={"tags": {"who": "me"}},
    )
    executor._made(6, 7)
    ((args, settings),) = made
    assert args == (ARN, LIMITS, 6, 7)
    assert settings == {
        "s3_destination_folder": ("bucket", "folder"),
        "poll_timeout_seconds": 2,
        "poll_interval_seconds": 3,
        "parallel": True,
        "max_parallel": 4,
        "max_connections": 5,
        "max_retries": 1,
        "tags": {"who": "me"},
        "aws_session": ("work", 5),
    }


def test_a_local_device_gets_what_run_is_told() -> None:
    executor = LocalBraketQubitExecutor(backend="braket_dm", run_kwargs={"noise": 1})
    assert executor.device_init_kwargs == {"backend": "braket_dm", "noise": 1}


def of_plugin(
    monkeypatch: pytest.MonkeyPatch, *, status: str = "ONLINE", fewest: int = 0, qubits: int = 3
) -> Any:
    """The plugin's device for one of the SDK that is so."""
    service = SimpleNamespace(shotsRange=(fewest, 100))
    paradigm = SimpleNamespace(qubitCount=qubits)
    properties = SimpleNamespace(service=service, paradigm=paradigm)
    sdk = SimpleNamespace(arn=ARN, name="DM1", status=status, properties=properties)
    found = SimpleNamespace(_device=sdk)
    monkeypatch.setattr(plugin, "device", lambda *_, **__: found)
    return found


@pytest.mark.parametrize(("wires", "shots"), [(1, None), (3, 0), (3, 100)])
def test_a_device_that_has_what_is_needed(
    wires: int, shots: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = of_plugin(monkeypatch)
    assert remote.device(ARN, LIMITS, wires, shots) is found
    assert isinstance(found._device, tasks.Sender)
    assert found._device.name == "DM1"


def test_a_device_of_the_old_kind_is_reached_through_its_facade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner = of_plugin(monkeypatch)
    outer = SimpleNamespace(target_device=inner)
    monkeypatch.setattr(plugin, "device", lambda *_, **__: outer)
    assert remote.device(ARN, LIMITS, 1, 1) is outer
    assert isinstance(inner._device, tasks.Sender)


@pytest.mark.parametrize(
    ("device", "wires", "shots", "error", "text"),
    [
        ({}, 4, 1, ValueError, "the circuit has 4 wires, DM1 has 3 qubits"),
        (
            {},
            3,
            101,
            ValueError,
            "shots=101 is not between 0 and 100, as DM1 wants it: set `shots`",
        ),
        ({"fewest": 1}, 3, None, ValueError, "shots=0 is not between 1 and 100"),
        ({"status": "OFFLINE"}, 3, 1, BraketError, "DM1 is OFFLINE: choose another `device_arn`"),
        ({"status": "RETIRED"}, 3, 1, BraketError, "DM1 is RETIRED"),
    ],
)
def test_a_device_that_has_not(
    device: Any, wires: int, shots: Any, error: Any, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_plugin(monkeypatch, **device)
    with pytest.raises(error, match=text) as caught:
        remote.device(ARN, LIMITS, wires, shots)
    assert str(caught.value).startswith(f"BraketQubitExecutor(device_arn={ARN!r})")


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: Any, **__: Any) -> None:
        raise ValueError("no such device")

    monkeypatch.setattr(plugin, "device", absent)
    with pytest.raises(ValueError, match=r"BraketQubitExecutor\(device_arn=.*no such device"):
        remote.device(ARN, LIMITS, 1, 1)
