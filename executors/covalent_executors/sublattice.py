"""What Step Functions calls for a sublattice: its graph is built, and runs as a dispatch of its own.

build    the function runs where the workflow's own work is done; it gives a manifest     the first call
adopt    the control plane makes a dispatch of that, and its state machine
call     an execution of the machine; its name is the id of the dispatch
collect  the runner takes over what the lattice returns, as the output of the node
"""

from dataclasses import replace

from covalent_executors.place import Place
from covalent_executors.task import (
    EXECUTE,
    INVOKE,
    LAMBDA_ERRORS,
    START_ERRORS,
    Kept,
    RunnerEvent,
    Step,
    TaskTemplate,
)

_BUSY = ("Unavailable",)
"""What the control plane raises when AWS is busy, or has not yet made a machine that was asked for."""


def sublattice(build: TaskTemplate, place: Place, python: str) -> TaskTemplate:
    """The task of a sublattice.

    Args:
        build: what its executor calls for an electron, at `place.to_build`.
        place: the deployment.
        python: the version that pickled the sublattice.

    """
    adopt = Step(
        label="adopt",
        resource=INVOKE,
        parameters={"FunctionName": place.adopter, "Payload": RunnerEvent("adopt")},
        transient=(*LAMBDA_ERRORS, *_BUSY),
        keeps={"machine": "$.Payload.machine", "dispatch_id": "$.Payload.dispatch_id"},
    )
    call = Step(
        label="call",
        resource=EXECUTE,
        parameters={
            "StateMachineArn": Kept("machine"),
            "Name": Kept("dispatch_id"),
            "Input": {"dispatch_id": Kept("dispatch_id")},
        },
        transient=START_ERRORS,
        is_job=True,
    )
    collect = Step(
        label="collect",
        resource=INVOKE,
        parameters={"FunctionName": place.runner(python), "Payload": RunnerEvent("collect")},
        transient=LAMBDA_ERRORS,
    )
    return replace(build, then=(adopt, call, collect))
