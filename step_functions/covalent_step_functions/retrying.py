"""Which errors a state repeats its call for, how often and after which pauses."""

from typing import Any

from covalent_executors.task import TaskTemplate

Json = dict[str, Any]

ANY_ERROR: Json = {"ErrorEquals": ["States.ALL"], "MaxAttempts": 9, "JitterStrategy": "FULL"}
"""For calls that nobody looks after but the state itself."""


def retries_of(task: TaskTemplate) -> Json:
    """The field of a state that calls for an electron, if it repeats anything."""
    service = [service_retry(task.transient)] if task.transient else []
    full = [_retry_when_full(task.full)] if task.full else []
    retries = service + full + _retries_of_user(task)
    return {"Retry": retries} if retries else {}


def _retries_of_user(task: TaskTemplate) -> list[Json]:
    """The first that names an error counts, so what is never tried again stands before what may match it too."""
    if not (task.retries and task.failures):
        return []
    never = [{"ErrorEquals": list(task.refused), "MaxAttempts": 0}] if task.refused else []
    again = {"ErrorEquals": list(task.failures), "MaxAttempts": task.retries, "BackoffRate": 1.0}
    return [*never, again]


def service_retry(errors: tuple[str, ...]) -> Json:
    """Over some seven minutes: 1 s, then twice as long each time (the defaults) up to a minute, jittered.

    Throttling passes only when other electrons end; but each try takes three of the history's 25,000 events.
    """
    return {
        "ErrorEquals": list(errors),
        "MaxAttempts": 12,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }


def _retry_when_full(errors: tuple[str, ...]) -> Json:
    """Over about a day: after 5 s, then twice as long each time up to ten minutes, half of that on average."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": 5,
        "MaxAttempts": 300,
        "MaxDelaySeconds": 600,
        "JitterStrategy": "FULL",
    }
