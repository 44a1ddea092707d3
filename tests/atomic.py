"""A DynamoDB whose writes are atomic: those of moto are not by themselves."""

from threading import RLock
from typing import Any

import pytest
from moto.dynamodb.responses import DynamoHandler


def one_at_a_time(patch: pytest.MonkeyPatch) -> None:
    """Have moto's DynamoDB answer one request after the other."""
    lock, call_action = RLock(), DynamoHandler.call_action

    def locked(self: DynamoHandler) -> Any:
        with lock:
            return call_action(self)

    patch.setattr(DynamoHandler, "call_action", locked)
