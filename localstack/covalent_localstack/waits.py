"""Wait states that end at a time.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- what stops a Wait may come in a moment when it does not listen -> it ends
- a Wait until a time takes it for the machine's local time, and ends up to a second early -> UTC, in time
"""

import threading
import time
from datetime import UTC
from typing import Any

from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment

from covalent_localstack.patching import replace
from covalent_localstack.stopping import ended_with

_stock_seconds = Timestamp._get_wait_seconds


def _wait_interval(_: Any, env: Environment, wait_seconds: float) -> None:
    """Wait so many seconds, fractions too, or until the execution is stopped."""
    ended = threading.Event()
    with ended_with(env, ended.set):
        ended.wait(max(0.0, wait_seconds))


def _wait_seconds(self: Any, env: Environment) -> float:
    self.string.eval(env=env)
    moment = self._from_timestamp_string(timestamp=env.stack.pop())
    if moment is None:
        return float(_stock_seconds(self, env))  # which fails as it should
    return float(moment.replace(tzinfo=UTC).timestamp()) - time.time()


def install() -> None:
    """Repair moto."""
    replace(WaitFunction, "_wait_interval", _wait_interval)
    replace(Timestamp, "_get_wait_seconds", _wait_seconds)
