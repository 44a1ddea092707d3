"""Writes and reads on the DynamoDB table, with the patience that throttling and rivals ask for."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from covalent_contracts import records
from covalent_runner import aws_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from covalent_runner.aws_direct import Direct

BATCH = 100
"""Keys that one BatchGetItem takes, and writes that one transaction takes."""
ROUNDS = 8
"""Tries of a batch or transaction that DynamoDB throttles or finds in conflict."""

_LOST = "ConditionalCheckFailedException"


class Lost(Exception):
    """The condition of a write did not hold; `item` is what stands there, if it was asked for."""

    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item


class Table:
    """One table behind a low-level client, which `direct` may spare the requests that succeed at once."""

    def __init__(self, client: "DynamoDBClient", name: str, direct: "Direct | None" = None) -> None:
        self._client = client
        self._name = name
        self._direct = direct

    def update(self, request: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Update one item and return the attributes that the request asks for.

        Raises:
            Lost: the condition of the request does not hold.

        """
        with _losing():
            answer = self._call("update_item", {"TableName": self._name, **request, **more})
        return cast("dict[str, Any]", answer.get("Attributes", {}))

    def put(self, request: dict[str, Any], **more: Any) -> None:
        """Put one item.

        Raises:
            Lost: the condition of the request does not hold.

        """
        with _losing():
            self._call("put_item", {"TableName": self._name, **request, **more})

    def was_put(self, request: dict[str, Any]) -> bool:
        """Put one item and tell whether its condition held."""
        try:
            self.put(request)
        except Lost:
            return False
        return True

    def updated(self, request: dict[str, Any]) -> bool:
        """Update one item and tell whether its condition held."""
        try:
            self.update(request)
        except Lost:
            return False
        return True

    def together(
        self, updates: Sequence[dict[str, Any]], puts: Sequence[dict[str, Any]] = ()
    ) -> bool:
        """Make all writes or none, and tell whether their conditions held."""
        items: Any = [{"Update": {"TableName": self._name, **request}} for request in updates]
        items += [{"Put": {"TableName": self._name, **request}} for request in puts]
        for wait in _waits():
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as exc:
                reasons = _reasons(exc)
                if "ConditionalCheckFailed" in reasons:
                    return False
                if not reasons & _PASSING:
                    raise
                wait()
            else:
                return True
        raise TimeoutError("DynamoDB kept finding a commit in conflict with others")

    def batch(
        self, wanted: list[dict[str, Any]], attributes: Sequence[str] = aws_items.RECORD_FIELDS
    ) -> list[dict[str, Any]]:
        """Read attributes of up to `BATCH` items: by default those of a record."""
        fields = (records.SK, *attributes)
        question: dict[str, Any] = {
            "Keys": wanted,
            "ConsistentRead": True,
            "ProjectionExpression": ", ".join(f"#{name}" for name in fields),
            "ExpressionAttributeNames": {f"#{name}": name for name in fields},
        }
        items: list[dict[str, Any]] = []
        for wait in _waits():
            answer = self._call("batch_get_item", {"RequestItems": {self._name: question}})
            items += answer["Responses"].get(self._name, [])
            rest = answer.get("UnprocessedKeys", {}).get(self._name)
            if not rest:
                return items
            question["Keys"] = rest["Keys"]
            wait()
        raise TimeoutError("DynamoDB kept leaving keys of a batch unprocessed")

    def _call(self, action: str, request: dict[str, Any]) -> dict[str, Any]:
        answer = None if self._direct is None else self._direct.answer(action, request)
        if answer is None:
            answer = getattr(self._client, action)(**request)
        return answer


_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


@contextmanager
def _losing() -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        if code_of(exc) != _LOST:
            raise
        raise Lost(cast("dict[str, Any]", exc.response).get("Item", {})) from exc


def code_of(exc: ClientError) -> str:
    """The error code that AWS answered."""
    return exc.response["Error"]["Code"]


def _reasons(exc: ClientError) -> set[str]:
    if code_of(exc) == "TransactionConflictException":
        return {"TransactionConflict"}
    found = cast("dict[str, Any]", exc.response).get("CancellationReasons", ())
    return {reason.get("Code", "") for reason in found}


def _waits() -> Iterator[Callable[[], None]]:
    """Pauses between tries, each longer than the one before, at random so that rivals part."""
    for longest in (0.025 * 2**round_ for round_ in range(ROUNDS)):
        yield lambda most=longest: time.sleep(random.uniform(0, most))  # type: ignore[misc]  # noqa: S311
