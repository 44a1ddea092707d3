"""What users get wrong, and what they are told."""

import threading
import uuid
from typing import Any, cast

import pytest
from tests.running import Server

import covalent as ct
from covalent._shared_files.exceptions import MissingLatticeRecordError
from covalent_contracts.errors import (
    Refused,
    Unavailable,
    UnknownExecutor,
    UnpicklableValue,
)


@ct.electron
def identity(value: Any) -> Any:
    return value


@ct.lattice
def workflow(value: Any) -> Any:
    return identity(value)


def test_an_unpicklable_argument_is_named(server: Server) -> None:
    with pytest.raises(UnpicklableValue, match="argument 'value' of electron identity"):
        ct.dispatch(workflow)(threading.Lock())

    @ct.lattice
    def makes_one() -> Any:
        return identity(threading.Lock())

    with pytest.raises(UnpicklableValue, match=r"value.*identity|identity.*value"):
        ct.dispatch(makes_one)()


def test_only_lattices_are_dispatched(server: Server) -> None:
    with pytest.raises(TypeError, match="lattice"):
        ct.dispatch(cast("Any", identity))(1)


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1, 2), {}), ((1,), {"other": 2})])
def test_wrong_arguments_of_the_lattice(server: Server, args: Any, kwargs: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"argument"):
        ct.dispatch(workflow)(*args, **kwargs)


def test_the_lattice_body_fails_as_it_is(server: Server) -> None:
    @ct.lattice
    def broken() -> Any:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        ct.dispatch(broken)()


def test_an_undeferrable_operation_names_the_cure(server: Server) -> None:
    @ct.lattice
    def branching() -> Any:
        return 1 if identity(1) > 0 else 2

    with pytest.raises(TypeError, match="inside an electron"):
        ct.dispatch(branching)()


def test_no_server_names_the_command(config_dir: Any) -> None:
    with pytest.raises(Unavailable, match="covalent start"):
        ct.dispatch(workflow, dispatcher_addr="localhost:9")(1)


def test_a_wrong_token_is_refused(server: Server) -> None:
    ct.set_config("dispatcher.token", "wrong")
    with pytest.raises(Refused):
        ct.dispatch(workflow)(1)


def test_an_unknown_dispatch(server: Server) -> None:
    unknown = str(uuid.uuid4())
    with pytest.raises(MissingLatticeRecordError, match=unknown):
        ct.get_result(unknown)


def test_an_unknown_executor_is_refused_at_dispatch(server: Server) -> None:
    @ct.electron(executor="nosuch")
    def lost() -> None: ...

    @ct.lattice
    def uses_it() -> Any:
        return lost()

    with pytest.raises(UnknownExecutor, match="nosuch"):
        ct.dispatch(uses_it)()


@pytest.mark.parametrize(
    ("damage", "told"), [("altered", "digest"), ("truncated", "digest"), ("missing", "missing")]
)
def test_a_damaged_asset_fails_the_dispatch(server: Server, damage: str, told: str) -> None:
    """Something happens to an object between upload and run: the digest refuses it."""
    value = damage.encode() + bytes(100_000)
    dispatch_id = ct.dispatch(workflow, disable_run=True)(value)
    from covalent._dispatch.client import connect

    connect().start(dispatch_id, run=False)
    objects = server.client("s3")
    for item in objects.list_objects_v2(Bucket="covalent-local", Prefix="assets/")["Contents"]:
        place = {"Bucket": "covalent-local", "Key": item["Key"]}
        data = objects.get_object(**place)["Body"].read()
        if value not in data:
            continue
        match damage:
            case "altered":
                objects.put_object(**place, Body=data[:-1] + b"!")
            case "truncated":
                objects.put_object(**place, Body=data[:-1])
            case "missing":
                objects.delete_object(**place)
    connect().start(dispatch_id)
    result = ct.get_result(dispatch_id, wait=True)
    assert result.status == "FAILED"
    assert told in result.get_node_result(0)["error"]
    assert told in str(result.error)


def test_a_dispatch_is_invisible_until_everything_is_there(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The uploads break off: nothing of it is shown, listed or run."""
    from covalent._dispatch import submit
    from covalent._dispatch.client import connect
    from covalent._dispatch.packaging import package

    drafts: list[str] = []

    def break_off(_: Any, puts: Any, *__: Any) -> None:
        assert puts
        raise ConnectionError("the line went dead")

    def packaged(lattice: Any, **more: Any) -> Any:
        made = package(lattice, **more)
        drafts.append(made.manifest.dispatch_id)
        return made

    monkeypatch.setattr(submit, "package", packaged)
    monkeypatch.setattr(submit, "upload", break_off)
    with pytest.raises(ConnectionError, match="dead"):
        ct.dispatch(workflow)(b"never seen before" + bytes(100_000))
    (dispatch_id,) = drafts
    with pytest.raises(MissingLatticeRecordError):
        ct.get_result(dispatch_id)
    assert dispatch_id not in {each.dispatch_id for each in connect().dispatches().dispatches}
    states = server.client("stepfunctions")
    for machine in states.list_state_machines()["stateMachines"]:
        listing = states.list_executions(stateMachineArn=machine["stateMachineArn"])
        assert dispatch_id not in {each["name"] for each in listing["executions"]}
