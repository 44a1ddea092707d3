"""Tasks that call an AWS service other than Lambda.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- parameters and answers keep boto's letter case, so `states:startExecution` and others fail -> converted as
  LocalStack does
- every task makes a new boto3 client -> one per service and region
- `.sync` asks twice a second -> 20 times
"""

import datetime
import threading
from functools import cache
from typing import Any

from moto.core.utils import get_service_model
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)

from covalent_localstack.environment import REGION
from covalent_localstack.patching import rebind, replace

POLL_SECONDS = 0.05
_clients = threading.Lock()


@cache
def _operation(service: str, action: str) -> Any:
    if service == "lambda":  # its few members are spelt alike on both sides
        return None
    model = get_service_model(service)
    wanted = action.replace("_", "").lower()
    names = [name for name in model.operation_names if name.lower() == wanted]
    return model.operation_model(names[0]) if names else None


def _named(state: Any, service: str | None, action: str | None) -> Any:
    return _operation(
        state._get_boto_service_name(service),
        state._get_boto_service_action(action),
    )


def _normalise_parameters(
    self: Any,
    parameters: dict[str, Any],
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    operation = _named(self, boto_service_name, service_action_name)
    if operation is not None and operation.input_shape is not None:
        self._to_boto_request(parameters, operation.input_shape)


def _normalise_response(
    self: Any,
    response: Any,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    operation = _named(self, boto_service_name, service_action_name)
    if operation is not None and operation.output_shape is not None:
        self._from_boto_response(response, operation.output_shape)
    _dates_to_milliseconds(response)


def _dates_to_milliseconds(value: Any) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in list(items):
        if isinstance(each, datetime.datetime):
            value[key] = int(each.timestamp() * 1000)
        elif isinstance(each, dict | list):
            _dates_to_milliseconds(each)


def _client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    del state_credentials  # everything runs with the one identity that there is
    with _clients:
        return _client(service, region or REGION)


@cache
def _client(service: str, region: str) -> Any:
    import boto3  # noqa: PLC0415  # 100 ms that most stacks never need
    from botocore.config import Config  # noqa: PLC0415  # as above

    config = Config(
        parameter_validation=False,
        max_pool_connections=256,
        inject_host_prefix=False,
        retries={"total_max_attempts": 1},
        read_timeout=3600,
    )
    make: Any = boto3.client
    return make(service, region_name=region, config=config)


def forget_clients() -> None:
    """The address or the token has changed."""
    _client.cache_clear()


def install() -> None:
    """Repair moto."""
    replace(StateTaskService, "_normalise_parameters", _normalise_parameters)
    replace(StateTaskService, "_normalise_response", _normalise_response)
    replace(state_task_service_callback, "_DELAY_SECONDS_SYNC_CONDITION_CHECK", POLL_SECONDS)
    rebind("moto.stepfunctions", "boto_client_for", _client_for)
