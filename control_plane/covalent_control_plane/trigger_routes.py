"""The routes of triggers."""

from http import HTTPStatus

from chalice.app import Response

from covalent_contracts.triggers import Fired, Firing, NewTrigger, Trigger, Triggers
from covalent_control_plane import requests, triggers
from covalent_control_plane.aws import aws
from covalent_control_plane.openapi import Operation, Query
from covalent_control_plane.replies import owner, render, request


def register_trigger() -> Response:
    """Attach a trigger to a registered dispatch."""
    new = requests.body(request(), NewTrigger)
    return render(triggers.register(aws(), owner(), new), HTTPStatus.CREATED)


def list_triggers() -> Response:
    """List the caller's triggers, newest first."""
    wanted = requests.parameter(request(), "dispatch_id")
    of_dispatch = None if wanted is None else requests.dispatch_id(wanted)
    return render(triggers.listing(owner(), requests.parameter(request(), "cursor"), of_dispatch))


def show_trigger(trigger_id: str) -> Response:
    """Show a trigger."""
    return render(triggers.show(owner(), requests.trigger_id(trigger_id)))


def stop_trigger(trigger_id: str) -> Response:
    """Stop a trigger for good."""
    return render(triggers.stop(aws(), owner(), requests.trigger_id(trigger_id)))


def fire_trigger(trigger_id: str) -> Response:
    """Fire a trigger; one event fires it once, however often it is told."""
    known = requests.trigger_id(trigger_id)
    happened = requests.body(request(), Firing)
    return render(triggers.fire(aws(), owner(), known, happened), HTTPStatus.ACCEPTED)


_BAD, _MISSING = HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND
_CONFLICT, _LIMITED = HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
_UUID = {"type": "string", "format": "uuid"}
_ONE = "/triggers/{trigger_id}"

OPERATIONS = (
    Operation(
        "POST",
        "/triggers",
        register_trigger,
        body=NewTrigger,
        answer=Trigger,
        status=HTTPStatus.CREATED,
        errors=(_BAD, _LARGE, _LIMITED, _MISSING, _CONFLICT),
    ),
    Operation(
        "GET",
        "/triggers",
        list_triggers,
        answer=Triggers,
        query=(
            Query("dispatch_id", _UUID, "Only those of a dispatch."),
            Query("cursor", {"type": "string"}, "Where to go on, from the page before."),
        ),
        errors=(_BAD, _LIMITED, _MISSING),
    ),
    Operation("GET", _ONE, show_trigger, answer=Trigger, errors=(_MISSING,)),
    Operation("DELETE", _ONE, stop_trigger, answer=Trigger, errors=(_MISSING,)),
    Operation(
        "POST",
        f"{_ONE}/fire",
        fire_trigger,
        body=Firing,
        answer=Fired,
        status=HTTPStatus.ACCEPTED,
        errors=(_BAD, _LARGE, _LIMITED, _MISSING, _CONFLICT),
    ),
)
