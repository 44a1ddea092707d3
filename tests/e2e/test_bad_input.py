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
    with pytest.raises(UnpicklableValue, match="argument 'value' of lattice workflow"):
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


def test_an_altered_asset_fails_the_dispatch(server: Server) -> None:
    """Something rewrites an object between upload and run: the digest refuses it."""
    dispatch_id = ct.dispatch(workflow, disable_run=True)(bytes(100_000))
    objects = server.client("s3")
    for item in objects.list_objects_v2(Bucket="covalent-local", Prefix="assets/")["Contents"]:
        if item["Size"] > 100_000:
            objects.put_object(Bucket="covalent-local", Key=item["Key"], Body=b"x" * item["Size"])
    from covalent._dispatch.client import connect

    connect().start(dispatch_id)
    result = ct.get_result(dispatch_id, wait=True)
    assert result.status == "FAILED"
    assert "digest" in result.get_node_result(0)["error"]
