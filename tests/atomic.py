"""An AWS whose requests are atomic: those of moto are not by themselves, in this process."""

from threading import RLock
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber


def one_at_a_time(patch: pytest.MonkeyPatch) -> None:
    """Have moto answer one request after the other.

    Its DynamoDB checks a condition, and writes later; its S3 closes an object that is replaced while another request
    still reads it.
    """
    lock, process = RLock(), BotocoreStubber.process_request

    def locked(self: BotocoreStubber, request: Any) -> Any:
        with lock:
            return process(self, request)

    patch.setattr(BotocoreStubber, "process_request", locked)
