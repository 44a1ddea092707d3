"""EventBridge: rules reach functions and machines, and Step Functions tells what became of an execution.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- PutEvents answers 500 when a rule that matches has a Lambda or Step Functions target -> they are invoked
- the time of an event is a number -> as ISO 8601 has it
- executions change status without an event -> RUNNING and the end are announced
"""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.events.models import EventTemplateParser, Rule, events_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from covalent_localstack import lambdas
from covalent_localstack.patching import replace

_pool = ThreadPoolExecutor(8, thread_name_prefix="events")
_stock_send = Rule.send_to_targets
_WHOLE_EVENT = "<aws.events.event.json>"


def _service(arn: str) -> str:
    return arn.split(":")[2]


def _send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
    original_event = original_event | {"time": _iso(original_event["time"])}
    mine = [each for each in self.targets if _service(each["Arn"]) in ("lambda", "states")]
    if mine and self.state == "ENABLED" and self.event_pattern.matches_event(original_event):
        for target in mine:
            _pool.submit(_deliver, target["Arn"], _input(target, original_event))
    rest = [each for each in self.targets if each not in mine]
    if rest:
        clone = Rule.__new__(Rule)
        clone.__dict__.update(self.__dict__, targets=rest)
        _stock_send(clone, original_event, transform_input)


def _iso(moment: float | str) -> str:
    """A time as events have it; moto's is a number."""
    if isinstance(moment, str):
        return moment
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _input(target: dict[str, Any], event: Any) -> Any:
    if target.get("Input"):
        return json.loads(target["Input"])
    if transformer := target.get("InputTransformer"):
        whole = {name: value for name, value in event.items() if name != "ingestion-time"}
        template = transformer.get("InputTemplate") or ""
        return EventTemplateParser.parse(
            input_template=template.replace(_WHOLE_EVENT, json.dumps(whole)),
            input_paths_map=transformer.get("InputPathsMap", {}),
            # Events of S3 have no such time, and moto's parser wants one.
            event={"ingestion-time": event["time"], **event},
        )
    return event


def _deliver(arn: str, event: Any) -> None:
    _, _, service, region, account, *_ = arn.split(":")
    if service == "lambda":
        function = lambda_backends[account][region].get_function(arn)
        lambdas.current().invoke_later(function, event)
    else:
        machines = stepfunctions_parser_backends[account][region]
        machines.start_execution(arn, str(uuid.uuid4()), json.dumps(event))


def announce(execution: Any) -> None:
    """Put the `Step Functions Execution Status Change` event of an execution on the default bus."""
    kind = "Step Functions Execution Status Change"
    tell("aws.states", kind, _detail(execution), execution.exec_arn)


def tell(source: str, kind: str, detail: dict[str, Any], arn: str) -> None:
    """Put an event of a service on the default bus, in the background."""
    _, _, _, region, account, *_ = arn.split(":")
    entry = {
        "Source": source,
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "Resources": [arn],
    }
    _pool.submit(events_backends[account][region].put_events, [entry])


def _detail(execution: Any) -> dict[str, Any]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html ."""
    output = execution.output
    ended = execution.stop_date
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": execution.exec_status.value,
        "startDate": int(execution.start_date.timestamp() * 1000),
        "stopDate": int(ended.timestamp() * 1000) if ended else None,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "output": None if output is None else json.dumps(output),
        "outputDetails": None if output is None else {"included": True},
        "error": execution.error,
        "cause": execution.cause,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": None,
        "redriveStatusReason": None,
    }


def install() -> None:
    """Repair moto. Executions are announced by `covalent_localstack.executions`."""
    replace(Rule, "send_to_targets", _send_to_targets)
