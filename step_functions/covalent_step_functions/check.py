"""Refuse what AWS would not run."""

import math
import zlib
from dataclasses import replace

from covalent_contracts.manifest import Manifest
from covalent_contracts.quoted import quoted_size
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate
from covalent_step_functions import quotas
from covalent_step_functions.cost import Cost, cost_of
from covalent_step_functions.plan import Gate, Items, Nested, Parallel, Plan
from covalent_step_functions.quotas import Use

BRANCH_OUTPUT = len('{"dispatch_id": "11111111-2222-3333-4444-555555555555"}, ')
"""Bytes that a branch adds to what its Parallel collects: at most the execution's input, whatever fails in it."""


def check_plan(plan: Plan) -> Cost:
    """Refuse a plan that takes too many events, nests too deep or is too wide; what it costs otherwise.

    Raises:
        LimitExceeded: with the limit.

    """
    cost = cost_of(plan)
    for use in _uses(plan, cost):
        use.check()
    return cost


def check_definition(definition: str) -> None:
    """Refuse a definition of too many bytes.

    Raises:
        LimitExceeded: with the limit.

    """
    quotas.DEFINITION.check(quoted_size(definition))


def check_task(task: TaskTemplate, place: Place) -> None:
    """Refuse what an executor asks of Step Functions, or of Lambda.

    Raises:
        LimitExceeded: with the limit.

    """
    seconds = math.ceil(task.time_limit)
    quotas.TIMEOUT.check(math.ceil(task.timeout))
    quotas.RETRIES.check(task.retries)
    if place.runner_seconds is not None and ":lambda:" in task.resource:
        replace(quotas.LAMBDA_SECONDS, number=place.runner_seconds).check(seconds)


def check_request(manifest: Manifest) -> None:
    """Refuse a manifest that a deployment on AWS would not let in, or whose assets it could not take.

    Raises:
        LimitExceeded: with the limit.

    """
    for use in _request_uses(manifest):
        use.check()


def check_uploads(manifest: Manifest) -> None:
    """Refuse too many objects to upload, or too large ones.

    Raises:
        LimitExceeded: with the limit.

    """
    for use in _upload_uses(manifest):
        use.check()


def uses_of(manifest: Manifest, cost: Cost, plan: Plan) -> list[Use]:
    """How much a dispatch takes of every limit that it can reach, in its largest machine."""
    return [
        Use(quotas.DEFINITION, cost.size),
        *_uses(plan, cost),
        *_request_uses(manifest),
    ]


def depth_of(items: Items) -> int:
    """How many Parallel states are inside each other."""
    return max((_depth(item) for item in items if isinstance(item, Parallel)), default=0)


def _uses(plan: Plan, cost: Cost) -> list[Use]:
    items = list(plan.walk())
    return [
        Use(quotas.EVENTS, cost.events),
        Use(quotas.DEPTH, max(map(depth_of, plan.machines()))),
        Use(quotas.PAYLOAD, cost.widest * BRANCH_OUTPUT),
        Use(
            quotas.LOST, max((_ids(item) for item in items if isinstance(item, Nested)), default=0)
        ),
        Use(
            quotas.PARENTS,
            max((len(item.needs) for item in items if isinstance(item, Gate)), default=0),
        ),
    ]


def _ids(nested: Nested) -> int:
    return sum(len(str(node)) + 1 for node in nested.nodes)


def _request_uses(manifest: Manifest) -> list[Use]:
    """As the SDK sends it, compressed quickly."""
    body = zlib.compress(manifest.model_dump_json().encode(), level=1)
    return [Use(quotas.REQUEST, len(body)), *_upload_uses(manifest)]


def _upload_uses(manifest: Manifest) -> list[Use]:
    sizes = [upload.size for upload in manifest.uploads]
    return [Use(quotas.UPLOADS, len(sizes)), Use(quotas.UPLOAD, max(sizes, default=0))]


def _depth(parallel: Parallel) -> int:
    return 1 + max(depth_of(branch) for branch in parallel.branches)
