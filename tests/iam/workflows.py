"""Workflows that make the deployment do all that it can do, and one that tries what it must not."""

from typing import Any

import covalent as ct

LARGE = 100_000
"""Characters that are too many for a record."""
HELD = 41
"""The node of `held` in `paused`, at 40."""


@ct.electron
def measured(name: str) -> dict[str, Any]:
    from covalent_contracts import attachments

    collector = attachments.collector()
    assert collector is not None
    collector.add("names", name.encode())
    print(name * LARGE)
    return {"name": name, "values": [1, 2, 3], "bulk": name * LARGE}


@ct.electron
def added(*values: Any) -> int:
    return len(str(values))


@ct.electron
def ignoring(*_: Any) -> int:
    return 1


@ct.electron
def aware(value: Any) -> Any:
    """It names Covalent, so a builder runs it. What waits for it does so by then: nothing tells an electron of that."""
    import time

    time.sleep(2)
    return ct.get_context().dispatch_id, value


@ct.lattice
def flowers() -> Any:
    """Large values, long output, an item of a result, an electron with two parents in other branches (a gate)."""
    first, second, third = measured("a"), aware(measured("b")), measured("c")
    left, right = added(first["values"], second), added(second, third)
    return added(left, right, first["name"])


@ct.electron(executor=ct.executor.LocalExecutor(retries=1))
def failing(value: Any) -> int:
    raise ValueError(f"no such luck with {value}")


@ct.lattice
def broken() -> Any:
    """A failure, after a retry, with gates behind it."""
    a, b, c = ignoring(1), failing(2), ignoring(3)
    return added(ignoring(a, b), ignoring(b, c), ignoring(a, c))


@ct.lattice
def wide(n: int) -> Any:
    """More than one machine holds, as a Distributed Map."""
    return ignoring([ignoring(index) for index in range(n)])


@ct.lattice
def long(n: int, broken_at: int) -> Any:
    """More than one machine holds, as nested executions; it ends early."""
    value: Any = ignoring(0)
    for index in range(1, n):
        value = failing(value) if index == broken_at else ignoring(value)
    return value


def waiting(_: Any) -> None:
    import threading

    threading.Event().wait()


held = ct.electron(waiting)


@ct.lattice
def paused(n: int, at: int) -> Any:
    """As `long`, but it does not go on."""
    value: Any = ignoring(0)
    for index in range(1, n):
        value = held(value) if index == at else ignoring(value)
    return value


@ct.electron
@ct.lattice
def smaller(n: int) -> Any:
    """A sublattice in a sublattice, down to nothing."""
    return added(n, smaller(n - 1)) if n else measured("a")


@ct.lattice
def nesting(n: int) -> Any:
    """Lattices whose graphs are built while they run."""
    return smaller(n)["name"] if n == 0 else ignoring(smaller(ignoring(n)))


@ct.electron
@ct.lattice
def unbuildable(_: Any) -> Any:
    raise ValueError("no graph")


@ct.lattice
def unbuilt() -> Any:
    """A graph that is not built, for an electron that waits at a gate."""
    first, second, third = ignoring(1), unbuildable(2), ignoring(3)
    return added(added(first, second), added(second, third))


@ct.electron
@ct.lattice
def pausing(n: Any) -> Any:
    return held(n)


@ct.lattice
def resting() -> Any:
    """A sublattice that does not go on."""
    return pausing(0)


@ct.electron
def told() -> Any:
    """Long enough for the next event to come meanwhile."""
    import time

    time.sleep(0.5)
    return ct.get_context().event


PLACES = ("awsbatch", "ecs", "ec2", "braket", "shell")
"""Executors whose electrons are jobs with a role of their own, and one of the bridge's."""


def _in(place: str, function: Any) -> Any:
    return ct.electron(function, executor=place)


@ct.lattice
def scattered(size: int) -> Any:
    """A job in each place, with large values in and out, and a gate behind them; then one that fails."""
    bulk = measured("a")
    found = [_in(place, lengthened)(bulk["bulk"], size) for place in PLACES]
    return added(added(*found[:3]), added(*found[1:]))


def lengthened(text: str, size: int) -> str:
    print(text)
    return text * size


@ct.lattice
def failing_elsewhere() -> Any:
    """A failure in each place, for an electron that waits at a gate."""
    found = [_in(place, broken_down)(index) for index, place in enumerate(PLACES)]
    return added(added(*found[:3]), added(*found[1:]))


def broken_down(value: int) -> Any:
    raise ValueError(f"no such luck with {value}")


@ct.lattice
def numerous(n: int) -> Any:
    """Jobs of one array. One fails, so what became of each is looked up."""
    found = [_in("awsbatch", unlucky)(index) for index in range(n)]
    return added(*found[1:])


def unlucky(index: int) -> int:
    if index == 0:
        raise ValueError(f"no such luck with {index}")
    return index


@ct.lattice
def killed_elsewhere() -> Any:
    """A hybrid job that is gone before it has told what became of its electron."""
    return _in("braket", ended)()


def ended() -> None:
    import os
    import signal

    os.killpg(os.getpgrp(), signal.SIGKILL)


@ct.lattice
def held_elsewhere() -> Any:
    """A job of the bridge that does not go on."""
    return _in("shell", waiting)(0)


def fired_by(trigger: Any) -> Any:
    """A workflow that tells what it was started for."""

    @ct.lattice(triggers=trigger)
    def telling() -> Any:
        return told()

    return telling


@ct.lattice
def spying(theirs: str, owner: str) -> Any:
    """One electron."""
    return spy(theirs, owner)


@ct.electron
def spy(theirs: str, owner: str) -> dict[str, str]:
    """What a curious electron would try with the credentials that it finds. Offline nobody stops it."""
    import os

    import boto3
    from botocore.exceptions import ClientError

    mine = os.environ["COVALENT_DISPATCH_ID"]
    bucket, table = (
        {"Bucket": os.environ["COVALENT_BUCKET"]},
        {"TableName": os.environ["COVALENT_TABLE"]},
    )
    client: Any = boto3.client
    items, objects, states = (client(each) for each in ("dynamodb", "s3", "stepfunctions"))

    def key(dispatch_id: str, sk: str = "DISPATCH") -> dict[str, Any]:
        return {"pk": {"S": f"D#{dispatch_id}"}, "sk": {"S": sk}}

    def setting(name: str, condition: str) -> dict[str, Any]:
        return {
            "UpdateExpression": "SET #name = :value",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": {":value": {"S": owner}},
        }

    is_new = setting("status", "attribute_not_exists(pk)")
    is_same = setting("owner", "attribute_exists(pk)")
    query = {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": key(theirs)["pk"]},
    }
    listed = {**key(mine, "G#9999999"), "starting": {"S": "1"}, "created": {"N": "1"}}
    digest = "0" * 64
    tries: dict[str, Any] = {
        "their item": lambda: items.get_item(Key=key(theirs), **table),
        "their items": lambda: items.query(**query, **table),
        "their status": lambda: items.update_item(Key=key(theirs), **is_new, **table),
        "its own owner": lambda: items.update_item(Key=key(mine), **is_same, **table),
        "another listing": lambda: items.put_item(Item=listed, **table),
        "their sheets": lambda: objects.get_object(
            Key=f"dispatches/{theirs}/sheets/0.json", **bucket
        ),
        "its own sheets": lambda: objects.put_object(
            Key=f"dispatches/{mine}/sheets/9.json", **bucket
        ),
        "its own errand": lambda: objects.put_object(
            Key=f"dispatches/{mine}/nodes/0/remote/0/errand.json", **bucket
        ),
        "their output": lambda: objects.put_object(
            Key=f"dispatches/{theirs}/nodes/0/output/0", **bucket
        ),
        "assets of others": lambda: objects.get_object(
            Key=f"assets/{digest[:16]}/{digest}", **bucket
        ),
        "its own assets": lambda: objects.put_object(Key=f"assets/{owner}/{digest}", **bucket),
        "machines": states.list_state_machines,
    }
    answers = {}
    for name, attempt in tries.items():
        try:
            attempt()
            answers[name] = "done"
        except ClientError as exc:
            answers[name] = exc.response["Error"]["Code"]
    return answers


ATTEMPTS = 12
"""What the spy tries, in number."""
