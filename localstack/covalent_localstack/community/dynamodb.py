"""moto's DynamoDB, one request at a time.

Defect of moto: requests of several threads interleave: lost ADDs, several winners of a conditional put, and
transactions that fail while they copy a table that another thread writes to.
"""

import threading
from typing import Any

from moto.dynamodb.responses import DynamoHandler

_lock = threading.RLock()
_stock_action = DynamoHandler.call_action


def _call_action(self: Any) -> Any:
    with _lock:
        return _stock_action(self)


def install() -> None:
    """Put the lock round every request."""
    DynamoHandler.call_action = _call_action
