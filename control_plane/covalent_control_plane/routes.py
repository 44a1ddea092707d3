"""The HTTP API: handlers of three lines, and the table that both Chalice and the OpenAPI document are made from."""

import json
from functools import cache
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version

from chalice.app import IAMAuthorizer, Response

from covalent_contracts.api import (
    PREFIX,
    AssetsRequest,
    Cancelled,
    CancelRequest,
    Download,
    Downloads,
    Health,
    Listing,
    Nodes,
    NodesRequest,
    Registered,
    Renewal,
    Renewed,
    Sharing,
    Summary,
)
from covalent_contracts.manifest import WIRE, Manifest
from covalent_contracts.ticket import TICKETS
from covalent_control_plane import (
    cancellation,
    dispatches,
    openapi,
    requests,
    sharing,
    tickets,
    trigger_routes,
)
from covalent_control_plane import nodes as recorded
from covalent_control_plane.aws import aws
from covalent_control_plane.openapi import Operation, Query
from covalent_control_plane.problems import guarded
from covalent_control_plane.replies import as_json as _json
from covalent_control_plane.replies import caller as _caller
from covalent_control_plane.replies import owner as _owner
from covalent_control_plane.replies import render as _render
from covalent_control_plane.replies import request as _request
from covalent_control_plane.replies import routes


def register() -> Response:
    """Register a dispatch by its manifest; the answer says what is still to be uploaded."""
    manifest = requests.manifest(_request())
    registered = dispatches.register(aws(), _owner(), manifest)
    return _render(registered, HTTPStatus.CREATED)


def start(dispatch_id: str) -> Response:
    """Make a registered dispatch appear and start its execution."""
    run = requests.is_true(_request(), "run", otherwise=True)
    started = dispatches.start(aws(), _owner(), requests.dispatch_id(dispatch_id), run=run)
    return _render(started, HTTPStatus.ACCEPTED)


def cancel(dispatch_id: str) -> Response:
    """Cancel a dispatch, or some of its tasks; what has ended stays as it is."""
    known = requests.dispatch_id(dispatch_id)
    asked = requests.body(_request(), CancelRequest)
    return _render(cancellation.cancel(aws(), _owner(), known, asked))


def listing() -> Response:
    """List the caller's dispatches, newest first."""
    limit, cursor = requests.limit(_request()), requests.parameter(_request(), "cursor")
    return _render(dispatches.listing(_owner(), limit, cursor))


def show(dispatch_id: str) -> Response:
    """Show a dispatch."""
    return _render(dispatches.show(aws(), _caller(), requests.dispatch_id(dispatch_id)))


def manifest(dispatch_id: str) -> Response:
    """Tell where to download the manifest of a dispatch."""
    known = requests.dispatch_id(dispatch_id)
    return _render(dispatches.manifest_address(aws(), _caller(), known))


def nodes(dispatch_id: str) -> Response:
    """Show what is recorded of a dispatch's nodes."""
    asked = requests.body(_request(), NodesRequest)
    found = recorded.nodes(aws(), _caller(), requests.dispatch_id(dispatch_id), asked)
    return _render(found)


def assets(dispatch_id: str) -> Response:
    """Tell where to download objects of a dispatch."""
    asked = requests.body(_request(), AssetsRequest)
    found = dispatches.assets(aws(), _caller(), requests.dispatch_id(dispatch_id), asked)
    return _render(found)


def readers(dispatch_id: str) -> Response:
    """Tell with whom a dispatch is shared."""
    return _render(sharing.readers(_owner(), requests.dispatch_id(dispatch_id)))


def share(dispatch_id: str) -> Response:
    """Share a dispatch with these principals, and no longer with others."""
    known = requests.dispatch_id(dispatch_id)
    asked = requests.body(_request(), Sharing)
    return _render(sharing.share(aws(), _owner(), known, asked))


def renew_ticket() -> Response:
    """Give a job that runs far away fresh addresses; the capability in its old ticket is all that it needs."""
    asked = requests.body(_request(), Renewal)
    return _render(tickets.renew(aws(), asked, requests.address(_request())))


def health() -> Response:
    """Tell what the deployment is."""
    here = aws()
    pythons = sorted(here.settings.runners)
    region = here.states.meta.region_name
    return _render(
        Health(version=_version(), wire=WIRE, pythons=pythons, runners=pythons, region=region)
    )


def describe() -> Response:
    """Give this document."""
    _caller()
    return _json(_document())


_LIMIT = Query("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "How many at most.")
_CURSOR = Query("cursor", {"type": "string"}, "Where to go on, from the page before.")
_RUN = Query("run", {"type": "boolean", "default": True}, "Whether to start the execution too.")
_BAD, _LARGE, _LIMITED = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_MISSING, _CONFLICT = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT

OPERATIONS = (
    Operation(
        "POST",
        "/dispatches",
        register,
        body=Manifest,
        answer=Registered,
        status=HTTPStatus.CREATED,
        errors=(_BAD, _LARGE, _LIMITED, _MISSING, _CONFLICT),
    ),
    Operation(
        "POST",
        "/dispatches/{dispatch_id}/start",
        start,
        answer=Summary,
        status=HTTPStatus.ACCEPTED,
        query=(_RUN,),
        errors=(_BAD, _MISSING, _CONFLICT),
    ),
    Operation(
        "POST",
        "/dispatches/{dispatch_id}/cancel",
        cancel,
        body=CancelRequest,
        answer=Cancelled,
        errors=(_BAD, _LARGE, _MISSING),
    ),
    Operation(
        "GET",
        "/dispatches",
        listing,
        answer=Listing,
        query=(_LIMIT, _CURSOR),
        errors=(_BAD, _LIMITED),
    ),
    Operation("GET", "/dispatches/{dispatch_id}", show, answer=Summary, errors=(_MISSING,)),
    Operation(
        "GET", "/dispatches/{dispatch_id}/manifest", manifest, answer=Download, errors=(_MISSING,)
    ),
    Operation(
        "POST",
        "/dispatches/{dispatch_id}/nodes",
        nodes,
        body=NodesRequest,
        answer=Nodes,
        errors=(_BAD, _LARGE, _LIMITED, _MISSING),
    ),
    Operation(
        "POST",
        "/dispatches/{dispatch_id}/assets",
        assets,
        body=AssetsRequest,
        answer=Downloads,
        errors=(_BAD, _LARGE, _LIMITED, _MISSING),
    ),
    Operation(
        "GET",
        "/dispatches/{dispatch_id}/sharing",
        readers,
        answer=Sharing,
        errors=(_MISSING,),
    ),
    Operation(
        "PUT",
        "/dispatches/{dispatch_id}/sharing",
        share,
        body=Sharing,
        answer=Sharing,
        errors=(_BAD, _LARGE, _MISSING),
    ),
    *trigger_routes.OPERATIONS,
    Operation(
        "POST",
        TICKETS.removeprefix(PREFIX),
        renew_ticket,
        body=Renewal,
        answer=Renewed,
        errors=(_BAD, _LARGE, HTTPStatus.FORBIDDEN),
        is_public=True,
    ),
    Operation("GET", "/health", health, answer=Health, is_public=True),
    Operation("GET", "/openapi.json", describe),
)


def _attach() -> None:
    signed = IAMAuthorizer()
    for operation in OPERATIONS:
        attach = routes.route(
            operation.path,
            methods=[operation.method],
            authorizer=None if operation.is_public else signed,
            name=operation.handler.__name__,
            content_types=["application/json", requests.GZIP],
        )
        attach(guarded(operation.handler, _request))


@cache
def _document() -> str:
    return json.dumps(openapi.document(OPERATIONS, _version()))


@cache
def _version() -> str:
    try:
        return version("covalent-serverless")
    except PackageNotFoundError:
        return "unknown"


_attach()
__all__ = ["OPERATIONS", "PREFIX", "routes"]
