"""What Step Functions calls where it has no integration: a state machine that has the bridge submit a job and look.

step   the bridge: submit; or look, and record what became of the job      <-+
over?                                                                        |
wait   as long as the bridge has said                                       -+

Each electron has an execution of its own of this machine. So it takes one state and six events of its dispatch's,
however long the job is looked after; one look takes nine events of the 25,000 that the execution may have, and looks
become rarer in the course of time (`covalent_bridge.steps`).
"""

import json
import math
from typing import Any

from covalent_contracts.errors import InvalidWorkflow
from covalent_executors.place import Place
from covalent_executors.spec import Spec
from covalent_executors.task import (
    EXECUTE,
    INVOKE,
    LAMBDA_ERRORS,
    START_ERRORS,
    JobName,
    Machine,
    RunnerEvent,
    TaskTemplate,
)

POLL = 60
"""Seconds between two looks at a job that has run for a while, where an executor has no `poll_freq`."""
BUSY = "Busy"
"""What the bridge raises when the place cannot take the job now."""


def bridged(name: str, spec: Spec, place: Place) -> TaskTemplate:
    """The task of an executor that has an adapter.

    The bridge itself stops what takes longer than its time limit, and repeats what failed: it can tell the job's own
    time from that in a queue, and a failed electron from a place that is out of order.

    Args:
        name: the short name of the executor.
        spec: what the user configured; nothing secret is in it.
        place: the deployment.

    Raises:
        InvalidWorkflow: the deployment has no bridge.

    """
    if not place.bridge:
        raise InvalidWorkflow(
            f"executor {name!r} needs the bridge, which this deployment does not have: "
            "apply its Terraform with `bridge = true`"
        )
    # As text: a key of the user's that ends in `.$` would be read as a path.
    attributes = json.dumps(spec.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
    return TaskTemplate(
        resource=EXECUTE,
        parameters={
            "StateMachineArn": Machine(definition(place.bridge)),
            "Name": JobName(of_try=False),
            "Input": {
                "electron": RunnerEvent("bridge"),
                "executor": name,
                "attributes": attributes,
                "poll": math.ceil(getattr(spec, "poll_freq", POLL)),
            },
        },
        transient=START_ERRORS,
        time_limit=spec.time_limit,
        retries=spec.retries,
        is_job=True,
        is_managed=True,
    )


def definition(function: str) -> str:
    """The state machine that looks after one job.

    Args:
        function: the bridge.

    """
    step = {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "ResultSelector": {
            "is_over.$": "$.Payload.is_over",
            "seconds.$": "$.Payload.seconds",
            "progress.$": "$.Payload.progress",
        },
        "ResultPath": "$.answer",
        "Retry": [_retry(*LAMBDA_ERRORS, BUSY)],
        "Next": "over?",
    }
    over = {"Variable": "$.answer.is_over", "BooleanEquals": True, "Next": "done"}
    states: dict[str, Any] = {
        "step": step,
        "over?": {"Type": "Choice", "Choices": [over], "Default": "wait"},
        "wait": {"Type": "Wait", "SecondsPath": "$.answer.seconds", "Next": "step"},
        "done": {"Type": "Succeed", "OutputPath": None},
    }
    return json.dumps({"StartAt": "step", "States": states}, separators=(",", ":"))


def _retry(*errors: str) -> dict[str, Any]:
    """Over some seven minutes, as for the runner (`covalent_step_functions.emit`)."""
    return {
        "ErrorEquals": list(errors),
        "MaxAttempts": 12,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }
