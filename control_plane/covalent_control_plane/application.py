"""The Chalice application: the API behind API Gateway, and the handlers of events.

    request -> routes -> requests -> dispatches | nodes -> store, objects, machines -> answer, or problems
    event   -> finish -> store
    state   -> adopt -> adoption -> the dispatch of a sublattice
    each day -> sweep -> machines that nobody uses
    each ten minutes -> restart -> starting -> dispatches that were left STARTING
    schedule, rule, ticking machine -> fire -> firing -> dispatches
    end of a hybrid job, each ten minutes -> answer -> hybrid_jobs, instances: what waits for them, what is left of them

requests    who calls, with what.                    Nothing is read from AWS here.
dispatches  the use cases; register is in registration. They know nothing of HTTP.
store       DynamoDB. objects: S3. machines: Step Functions.
problems    errors as answers.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, Rate, Request

from covalent_contracts.api import PREFIX
from covalent_control_plane import (
    adoption,
    firing,
    hybrid_jobs,
    instances,
    problems,
    starting,
)
from covalent_control_plane import finish as finisher
from covalent_control_plane import sweep as sweeper
from covalent_control_plane.aws import aws
from covalent_control_plane.routes import routes
from covalent_control_plane.telemetry import tracer


class Application(Chalice):
    """A Chalice application that several threads may call at once, as the offline AWS does.

    On API Gateway the first segment of its paths is the name of the stage, and missing in `resourcePath`.
    """

    _here = threading.local()

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer a request that API Gateway hands over."""
        answer: dict[str, Any] = super().__call__(_below_its_stage(event), context)
        return problems.worded(answer)

    @property
    def current_request(self) -> Request | None:
        """The request that this thread is answering."""
        return getattr(self._here, "request", None)

    @current_request.setter
    def current_request(self, request: Request | None) -> None:
        self._here.request = request


def _below_its_stage(event: Any) -> Any:
    request = event.get("requestContext", {})
    path = request.get("resourcePath")
    if path is None or path.startswith(PREFIX):
        return event
    return event | {"requestContext": request | {"resourcePath": f"/{request.get('stage')}{path}"}}


app = Application("covalent", configure_logs=False, env={})  # env: Chalice writes into what it gets
app.register_blueprint(routes, url_prefix=PREFIX)
tracer()


@app.on_cw_event(finisher.PATTERN, name="finish")
def finish(event: CloudWatchEvent) -> dict[str, Any]:
    """End the dispatch of an execution that has ended."""
    moved = finisher.finish(aws(), event.detail)
    return {} if moved is None else {"dispatch_id": moved.dispatch_id, "status": moved.status}


@app.schedule(Rate(1, unit=Rate.DAYS), name="sweep")
def sweep(event: CloudWatchEvent) -> dict[str, Any]:
    """Delete the state machines that were not used for 30 days."""
    swept = sweeper.sweep(aws(), time.time(), _remaining(event))
    return {"deleted": len(swept.deleted), "failed": len(swept.failed)}


@app.schedule(Rate(starting.MINUTES, unit=Rate.MINUTES), name="restart")
def restart(event: CloudWatchEvent) -> dict[str, Any]:
    """Start again the dispatches that were left STARTING, and end those that cannot be started."""
    restarted = starting.restart(aws(), time.time(), _remaining(event))
    return {"started": len(restarted.started), "failed": len(restarted.failed)}


@app.lambda_function(name="adopt")
def adopt(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  # Lambda's arguments
    """Make a dispatch of what building a sublattice has given."""
    adopted = adoption.adopt(aws(), *adoption.event_of(event))
    return {"dispatch_id": adopted.dispatch_id, "machine": adopted.machine}


@app.lambda_function(name="fire")
def fire(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  # Lambda's signature
    """Run the dispatch of a trigger, because what it waits for has happened."""
    return firing.deliver(aws(), event)


@app.lambda_function(name="answer")
def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  # Lambda's signature
    """Answer for a job that has ended, or, called by a schedule, end the instances that nobody needs."""
    if event.get("source") == hybrid_jobs.SOURCE:
        return {"answered": hybrid_jobs.answer(aws(), event)}
    return {"terminated": instances.sweep(aws(), time.time())}


def _remaining(event: CloudWatchEvent) -> Callable[[], float]:
    """Tells how many seconds the function has left."""
    context: Any = event.context  # Lambda's, which Chalice calls a dictionary
    return lambda: context.get_remaining_time_in_millis() / 1000
